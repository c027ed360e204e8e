//! The replicas' database, behind their backs.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use test_servers::PrivatePostgres;

use super::PAUSE;

/// Work of a database.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Transactions that ended.
    pub transactions: i64,
    /// Rows that were read, catalogs left out.
    pub rows: i64,
}

/// A database on the fleet's own server.
#[derive(Clone)]
pub struct Database {
    server: String,
    name: &'static str,
}

impl Database {
    /// Makes an empty one.
    pub(super) async fn create(server: &str, name: &'static str) -> Self {
        let database = Self { server: server.to_owned(), name };
        database.on_server(&format!("CREATE DATABASE {name}")).await;
        database
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let mut url = url::Url::parse(&self.server).unwrap();
        url.set_path(self.name);
        url.into()
    }

    /// The same database as a login sees it that is a member of these roles, and of no others.
    pub async fn of_member(&self, login: &str, roles: &[&str]) -> Self {
        let roles = roles.join(", ");
        self.on_server(&format!("CREATE ROLE {login} LOGIN PASSWORD 'broker' IN ROLE {roles}")).await;
        let mut server = url::Url::parse(&self.server).unwrap();
        server.set_username(login).unwrap();
        server.set_password(Some("broker")).unwrap();
        Self { server: server.into(), name: self.name }
    }

    /// The id of the installation, which a restored copy has too.
    pub async fn installation(&self) -> String {
        let id = sqlx::query_scalar("SELECT id::text FROM installation");
        id.fetch_one(&mut self.connect().await).await.unwrap()
    }

    /// Makes a copy of it. Nobody may use it meanwhile.
    pub async fn copy(&self, name: &'static str) -> Self {
        self.until_unused().await;
        self.on_server(&format!("CREATE DATABASE {name} TEMPLATE {}", self.name)).await;
        Self { name, ..self.clone() }
    }

    /// Restores a dump of it as another database, while it is used.
    pub async fn restored(&self, server: &PrivatePostgres, name: &'static str) -> Self {
        self.on_server(&format!("CREATE DATABASE {name}")).await;
        server.dump_and_restore(self.name, name).await;
        Self { name, ..self.clone() }
    }

    /// The server notices only by and by that a killed replica is gone.
    async fn until_unused(&self) {
        let users = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", self.name);
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        while sqlx::query_scalar::<_, i64>(AssertSqlSafe(users.as_str()))
            .fetch_one(&mut connection)
            .await
            .unwrap()
            > 0
        {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the replica that joined first has not been heard of for this long.
    pub async fn is_silent_for(&self, span: Duration) -> bool {
        let silent = "SELECT heartbeat_at < extract(epoch FROM clock_timestamp()) * 1000000 - $1
                      FROM replicas ORDER BY number LIMIT 1";
        let micros = i64::try_from(span.as_micros()).unwrap();
        sqlx::query_scalar(silent).bind(micros).fetch_one(&mut self.connect().await).await.unwrap()
    }

    /// Makes every access token look this much older.
    pub async fn age_tokens(&self, span: Duration) {
        let aged = sqlx::query("UPDATE grants SET issued_at = issued_at - $1");
        let micros = i64::try_from(span.as_micros()).unwrap();
        aged.bind(micros).execute(&mut self.connect().await).await.unwrap();
    }

    /// Every grant is due now.
    pub async fn make_all_due(&self) {
        let due = sqlx::query("UPDATE grant_rotation SET due_at = 0 WHERE lifecycle = 'active'");
        due.execute(&mut self.connect().await).await.unwrap();
    }

    /// How many attempts are open.
    pub async fn open_attempts(&self) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM attempts WHERE closed_at IS NULL");
        count.fetch_one(&mut self.connect().await).await.unwrap()
    }

    /// Data keys were superseded a day and an hour earlier than they were.
    pub async fn supersede_data_keys_earlier(&self) {
        let earlier = "UPDATE data_keys SET superseded_at = superseded_at - 90000000000";
        sqlx::query(earlier).execute(&mut self.connect().await).await.unwrap();
    }

    /// Copies the one grant there is until there are so many, of other users. Nobody can open their tokens.
    pub async fn multiply_grants(&self, count: usize) {
        let mut connection = self.connect().await;
        for statement in multiplied(count) {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
    }

    /// What was done in it until now, once everybody has left it.
    pub async fn work(&self) -> Work {
        self.until_unused().await;
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        let done = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
        let transactions = sqlx::query_scalar(done).bind(self.name).fetch_one(&mut connection).await.unwrap();
        let read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables";
        let rows = sqlx::query_scalar(read).fetch_one(&mut self.connect().await).await.unwrap();
        Work { transactions, rows }
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }

    async fn on_server(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
}

/// The statements that copy a grant: its id and its user change, and whatever columns there are besides do not.
fn multiplied(count: usize) -> [String; 5] {
    let copy = |table: &str, changed: &str| {
        format!(
            "INSERT INTO {table} SELECT copied.*
             FROM {table} original, new_grants, LATERAL jsonb_populate_record(original, {changed}) copied"
        )
    };
    [
        // No trigger tells of them.
        "SET session_replication_role = replica".to_owned(),
        format!(
            "CREATE TEMPORARY TABLE new_grants AS
             SELECT gen_random_uuid() AS id, 'copy-' || number AS user_id FROM generate_series(2, {count}) number"
        ),
        copy("grants", "jsonb_build_object('id', new_grants.id, 'user_id', new_grants.user_id)"),
        copy("grant_rotation", "jsonb_build_object('grant_id', new_grants.id)"),
        copy("grant_secrets", "jsonb_build_object('grant_id', new_grants.id)"),
    ]
}
