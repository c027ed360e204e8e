//! What operators pause, and what they see of refreshing.

mod backlog;
mod count;
mod news;
mod notices;
mod pauses;
mod successes;

use async_trait::async_trait;
use broker_core::ports::{
    AtRiskFilter, Backlog, DueNotice, Notice, PauseTarget, ProviderGrants, RefreshPause, RegistrationNews,
    ReplicaStanding, SchedulerStore, StoreError,
};
use broker_core::{AuditRecord, Grant, ProviderName, Timestamp};

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

    async fn count_grants(&self, now: Timestamp) -> Result<Vec<ProviderGrants>, StoreError> {
        self.operation_within(count::LIMIT, "count_grants", count::read(&self.pools.admin, now)).await
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

    async fn due_notices(&self, now: Timestamp, limit: u32) -> Result<Vec<DueNotice>, StoreError> {
        self.operation("due_notices", notices::due(&self.pools.rotation, now, limit)).await
    }

    async fn give_notice(&self, notice: &Notice, record: &AuditRecord) -> Result<bool, StoreError> {
        self.operation("give_notice", notices::give(&self.pools.rotation, notice, record)).await
    }

    async fn end_with_token(
        &self,
        due: &DueNotice,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        let ending = notices::end_with_token(&self.pools.rotation, due, at, record);
        self.operation("end_with_token", ending).await
    }

    async fn put_off_notice(&self, due: &DueNotice, until: Option<Timestamp>) -> Result<(), StoreError> {
        self.operation("put_off_notice", notices::put_off(&self.pools.rotation, due, until)).await
    }

    async fn at_risk_grants(&self, filter: &AtRiskFilter) -> Result<Vec<Grant>, StoreError> {
        self.operation("at_risk_grants", notices::at_risk(&self.pools.admin, filter)).await
    }
}
