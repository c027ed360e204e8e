//! The two kinds of store: in memory, and in a file.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use broker_core::AuditRecord;
use broker_core::ports::{
    AccessStore, ConsentStore, DeletionStore, EventStore, FleetStore, GrantStore, KeyStore, Ledger,
    MachineCredentialStore, RevocationStore, SchedulerStore, SealedStore, TenantStore, WebhookStore,
};
use broker_core::testing::audit_log::Meddler;
use broker_core::testing::conformance::{DurableStore, Inbox, StoreUnderTest, quotas};
use broker_sqlite::{SqliteLocation, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, SqliteConnection};
use tempfile::TempDir;

pub(crate) struct InMemory(Arc<SqliteStore>);

pub(crate) struct InFile {
    pub(crate) store: Arc<SqliteStore>,
    directory: TempDir,
}

/// What was recorded in a store.
struct Recorded(Arc<SqliteStore>);

#[async_trait]
impl Inbox for Recorded {
    async fn inbox_records(&self) -> Vec<AuditRecord> {
        self.0.inbox_records().await.unwrap()
    }
}

#[async_trait]
impl StoreUnderTest for InMemory {
    async fn fresh() -> Self {
        Self(Arc::new(SqliteStore::open(SqliteLocation::Memory).await.unwrap().with_quotas(quotas())))
    }

    fn grants(&self) -> Arc<dyn GrantStore> {
        self.0.clone()
    }

    fn consents(&self) -> Arc<dyn ConsentStore> {
        self.0.clone()
    }

    fn tenants(&self) -> Arc<dyn TenantStore> {
        self.0.clone()
    }

    fn fleet(&self) -> Arc<dyn FleetStore> {
        self.0.clone()
    }

    fn access(&self) -> Arc<dyn AccessStore> {
        self.0.clone()
    }

    fn scheduler(&self) -> Arc<dyn SchedulerStore> {
        self.0.clone()
    }

    fn revocations(&self) -> Arc<dyn RevocationStore> {
        self.0.clone()
    }

    fn deletions(&self) -> Arc<dyn DeletionStore> {
        self.0.clone()
    }

    fn keys(&self) -> Arc<dyn KeyStore> {
        self.0.clone()
    }

    fn sealed(&self) -> Arc<dyn SealedStore> {
        self.0.clone()
    }

    fn machine_credentials(&self) -> Arc<dyn MachineCredentialStore> {
        self.0.clone()
    }

    fn webhooks(&self) -> Arc<dyn WebhookStore> {
        self.0.clone()
    }

    fn inbox(&self) -> Arc<dyn Inbox> {
        Arc::new(Recorded(self.0.clone()))
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        self.0.clone()
    }

    fn events(&self) -> Arc<dyn EventStore> {
        self.0.clone()
    }
}

#[async_trait]
impl StoreUnderTest for InFile {
    async fn fresh() -> Self {
        Self::open(TempDir::new().unwrap()).await
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
impl DurableStore for InFile {
    async fn reopen(self) -> Self {
        self.store.close().await;
        let Self { store, directory } = self;
        assert!(Arc::into_inner(store).is_some(), "somebody still uses the store, and holds its lock");
        Self::open(directory).await
    }

    async fn refuse_records(&self) {
        let mut beside =
            SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(self.database()))
                .await
                .unwrap();
        let trigger =
            "CREATE TRIGGER refuse BEFORE INSERT ON audit_inbox BEGIN SELECT raise(ABORT, 'refused'); END";
        sqlx::query(trigger).execute(&mut beside).await.unwrap();
    }
}

impl InFile {
    async fn open(directory: TempDir) -> Self {
        let location = SqliteLocation::File(directory.path().join("broker.db"));
        let store = SqliteStore::open(location).await.unwrap();
        Self { store: Arc::new(store.with_quotas(quotas())), directory }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("broker.db")
    }

    /// Every file the store has made.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

#[async_trait]
impl Meddler for InFile {
    async fn meddle(&self, sql: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.database());
        SqliteConnection::connect_with(&options).await.unwrap().execute(sql).await.unwrap();
    }
}
