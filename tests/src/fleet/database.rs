//! The replicas' database, behind their backs.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::PAUSE;

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

    /// Makes a copy of it. Nobody may use it meanwhile.
    pub async fn copy(&self, name: &'static str) -> Self {
        let users = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", self.name);
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        // The server notices only by and by that a killed replica is gone.
        while sqlx::query_scalar::<_, i64>(AssertSqlSafe(users.as_str()))
            .fetch_one(&mut connection)
            .await
            .unwrap()
            > 0
        {
            tokio::time::sleep(PAUSE).await;
        }
        self.on_server(&format!("CREATE DATABASE {name} TEMPLATE {}", self.name)).await;
        Self { name, ..self.clone() }
    }

    /// Whether the replica that joined first has not been heard of for this long.
    pub async fn is_silent_for(&self, span: Duration) -> bool {
        let silent = "SELECT heartbeat_at < extract(epoch FROM clock_timestamp()) * 1000000 - $1
                      FROM replicas ORDER BY number LIMIT 1";
        let micros = i64::try_from(span.as_micros()).unwrap();
        sqlx::query_scalar(silent).bind(micros).fetch_one(&mut self.connect().await).await.unwrap()
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

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }

    async fn on_server(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
}
