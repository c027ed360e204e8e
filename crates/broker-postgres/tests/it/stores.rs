//! A store in a database of its own.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use broker_core::AuditRecord;
use broker_core::ports::{
    AccessStore, ConsentStore, DeletionStore, EventStore, FleetStore, GrantStore, KeyStore, Ledger,
    MachineCredentialStore, RevocationStore, SchedulerStore, SealedStore, TenantStore, WebhookStore,
};
use broker_core::testing::audit_log::Meddler;
use broker_core::testing::conformance::{DurableStore, Inbox, StoreUnderTest, quotas};
use broker_postgres::{OpenOptions, PostgresStore};
use sqlx::{Connection, Executor, PgConnection};
use test_servers::TestDatabase;

use crate::logins::{self, MEMBER, OWNER};

/// Opened as a production user opens it: one who owns nothing and is a member of the broker's roles.
pub(crate) struct InPostgres {
    pub(crate) store: Arc<PostgresStore>,
    // Last: it is removed when the store is gone.
    database: TestDatabase,
}

impl InPostgres {
    async fn open(database: TestDatabase) -> Self {
        let url = logins::url_of(&database, MEMBER);
        let store = PostgresStore::open(&url, OpenOptions::default()).await.unwrap();
        Self { store: Arc::new(store.with_quotas(quotas())), database }
    }

    /// Another replica's store on the same database.
    pub(crate) async fn another(&self) -> PostgresStore {
        PostgresStore::open(&logins::url_of(&self.database, MEMBER), OpenOptions::default()).await.unwrap()
    }

    /// What a query of one text column answers, behind the store's back.
    pub(crate) async fn look(&self, sql: &'static str) -> BTreeSet<String> {
        let mut connection = PgConnection::connect(self.database.url()).await.unwrap();
        let rows = sqlx::query_scalar::<_, String>(sql).fetch_all(&mut connection).await.unwrap();
        rows.into_iter().collect()
    }

    /// Runs statements behind the store's back.
    pub(crate) async fn meddle(&self, sql: &'static str) {
        PgConnection::connect(self.database.url()).await.unwrap().execute(sql).await.unwrap();
    }
}

/// What was recorded in a store.
struct Recorded(Arc<PostgresStore>);

#[async_trait]
impl Inbox for Recorded {
    async fn inbox_records(&self) -> Vec<AuditRecord> {
        self.0.inbox_records().await.unwrap()
    }
}

#[async_trait]
impl StoreUnderTest for InPostgres {
    async fn fresh() -> Self {
        Self::open(database().await).await
    }

    fn grants(&self) -> Arc<dyn GrantStore> {
        self.store.clone()
    }

    fn consents(&self) -> Arc<dyn ConsentStore> {
        self.store.clone()
    }

    fn tenants(&self) -> Arc<dyn TenantStore> {
        self.store.clone()
    }

    fn fleet(&self) -> Arc<dyn FleetStore> {
        self.store.clone()
    }

    fn access(&self) -> Arc<dyn AccessStore> {
        self.store.clone()
    }

    fn scheduler(&self) -> Arc<dyn SchedulerStore> {
        self.store.clone()
    }

    fn revocations(&self) -> Arc<dyn RevocationStore> {
        self.store.clone()
    }

    fn deletions(&self) -> Arc<dyn DeletionStore> {
        self.store.clone()
    }

    fn keys(&self) -> Arc<dyn KeyStore> {
        self.store.clone()
    }

    fn sealed(&self) -> Arc<dyn SealedStore> {
        self.store.clone()
    }

    fn machine_credentials(&self) -> Arc<dyn MachineCredentialStore> {
        self.store.clone()
    }

    fn webhooks(&self) -> Arc<dyn WebhookStore> {
        self.store.clone()
    }

    fn inbox(&self) -> Arc<dyn Inbox> {
        Arc::new(Recorded(self.store.clone()))
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        self.store.clone()
    }

    fn events(&self) -> Arc<dyn EventStore> {
        self.store.clone()
    }
}

#[async_trait]
impl DurableStore for InPostgres {
    async fn reopen(self) -> Self {
        self.store.close().await;
        Self::open(self.database).await
    }

    async fn refuse_records(&self) {
        self.meddle("ALTER TABLE audit_inbox ADD CONSTRAINT refused CHECK (false) NOT VALID").await;
    }
}

/// An empty database with the present schema, which a user who is no superuser owns.
pub(crate) async fn database() -> TestDatabase {
    let migrate = async |url: String| {
        logins::make(&url).await;
        broker_postgres::migrate(&logins::url_as(&url, OWNER)).await.unwrap();
    };
    // Named by what it holds: another checkout on the same server has another schema.
    let name = format!("broker_{:016x}", schema_digest());
    test_servers::postgres().await.template(&name, migrate).await.fresh_database().await
}

/// Of every migration file.
fn schema_digest() -> u64 {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    logins::SQL.hash(&mut hasher);
    for file in files {
        std::fs::read(file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

#[async_trait]
impl Meddler for InPostgres {
    async fn meddle(&self, sql: &'static str) {
        Self::meddle(self, sql).await;
    }
}
