//! What the suite asks of a kind of store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::AuditRecord;
use crate::ports::{
    AccessStore, ConsentStore, DeletionStore, EventStore, FleetStore, GrantStore, KeyStore, Ledger,
    MachineCredentialStore, RevocationStore, SchedulerStore, SealedStore, TenantStore, WebhookStore,
};

/// A store of its own, and whatever must live as long as it.
#[async_trait]
pub trait StoreUnderTest: Send + Sync + Sized + 'static {
    /// An empty store that nothing else uses, with [`quotas`](super::quotas).
    async fn fresh() -> Self;

    fn grants(&self) -> Arc<dyn GrantStore>;

    fn consents(&self) -> Arc<dyn ConsentStore>;

    fn tenants(&self) -> Arc<dyn TenantStore>;

    fn fleet(&self) -> Arc<dyn FleetStore>;

    fn access(&self) -> Arc<dyn AccessStore>;
    fn scheduler(&self) -> Arc<dyn SchedulerStore>;
    fn revocations(&self) -> Arc<dyn RevocationStore>;

    fn deletions(&self) -> Arc<dyn DeletionStore>;
    fn keys(&self) -> Arc<dyn KeyStore>;

    fn sealed(&self) -> Arc<dyn SealedStore>;
    fn ledger(&self) -> Arc<dyn Ledger>;
    fn events(&self) -> Arc<dyn EventStore>;
    fn machine_credentials(&self) -> Arc<dyn MachineCredentialStore>;
    fn webhooks(&self) -> Arc<dyn WebhookStore>;

    fn inbox(&self) -> Arc<dyn Inbox>;
}

/// Reads back what was recorded and not chained yet.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Every record, oldest first.
    async fn inbox_records(&self) -> Vec<AuditRecord>;
}

/// A store that outlives the process which uses it.
#[async_trait]
pub trait DurableStore: StoreUnderTest {
    /// Ends every use of the store and opens it once more, as the next run of a process would.
    async fn reopen(self) -> Self;

    /// From now on the inbox takes no record.
    async fn refuse_records(&self);
}
