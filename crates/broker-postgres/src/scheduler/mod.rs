//! What operators pause, and what they see of refreshing.

mod backlog;
mod news;
mod pauses;
mod successes;

use async_trait::async_trait;
use broker_core::ports::{
    Backlog, PauseTarget, RefreshPause, RegistrationNews, ReplicaStanding, SchedulerStore, StoreError,
};
use broker_core::{AuditRecord, ProviderName, Timestamp};

use crate::PostgresStore;

#[async_trait]
impl SchedulerStore for PostgresStore {
    async fn pause_refresh(&self, pause: &RefreshPause, record: &AuditRecord) -> Result<(), StoreError> {
        self.operation("pause_refresh", pauses::begin(&self.pools.admin, pause, record)).await
    }

    async fn resume_refresh(
        &self,
        target: &PauseTarget,
        now: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("resume_refresh", pauses::end(&self.pools.admin, target, now, record)).await
    }

    async fn refresh_pauses(&self, now: Timestamp) -> Result<Vec<RefreshPause>, StoreError> {
        self.operation("refresh_pauses", pauses::read(&self.pools.rotation, now)).await
    }

    async fn prune_pauses(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.operation("prune_pauses", pauses::prune(&self.pools.consent, now)).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        self.operation("backlog", backlog::read(&self.pools.admin, now)).await
    }

    async fn replicas(&self, alive_since: Timestamp) -> Result<Vec<ReplicaStanding>, StoreError> {
        self.operation("replicas", backlog::replicas(&self.pools.admin, alive_since)).await
    }

    async fn note_successes(&self, successes: &[(ProviderName, Timestamp)]) -> Result<(), StoreError> {
        self.operation("note_successes", successes::note(&self.pools.adoption, successes)).await
    }

    async fn last_successes(&self) -> Result<Vec<(ProviderName, Timestamp)>, StoreError> {
        self.operation("last_successes", successes::read(&self.pools.admin)).await
    }

    async fn take_registration_news(&self) -> Result<RegistrationNews, StoreError> {
        self.operation("take_registration_news", news::take(&self.pools.adoption)).await
    }
}
