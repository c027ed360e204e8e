//! The replicas on this database, and the breakers of providers.

mod beat;
mod breakers;
mod replicas;

use async_trait::async_trait;
use broker_core::ports::{BadAnswers, Epoch, FleetStore, Joined, OpenBreaker, Pulse, Replica, StoreError};
use broker_core::{AuditRecord, IncarnationId, InstallationId, ProviderName, Timestamp};

pub(crate) use self::beat::Seen;
use crate::PostgresStore;

#[async_trait]
impl FleetStore for PostgresStore {
    async fn join(&self, replica: &Replica, rotated_since: Timestamp) -> Result<Joined, StoreError> {
        let joined = beat::join(&self.pools.adoption, &self.seen, replica, rotated_since);
        self.operation("join", joined).await
    }

    async fn note_vouched(&self, incarnation: IncarnationId) -> Result<(), StoreError> {
        let noted = replicas::note_vouched(&self.pools.adoption, incarnation);
        self.operation("note_vouched", noted).await
    }

    async fn heartbeat(
        &self,
        incarnation: IncarnationId,
        at: Timestamp,
        alive_since: Timestamp,
        recent: Timestamp,
    ) -> Result<Pulse, StoreError> {
        let pulse = beat::heartbeat(&self.pools.adoption, &self.seen, incarnation, [at, alive_since, recent]);
        self.operation("heartbeat", pulse).await
    }

    async fn note_replayed(
        &self,
        incarnation: IncarnationId,
        epoch: Epoch,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let noted = replicas::note_replayed(&self.pools.adoption, incarnation, epoch, at);
        self.operation("note_replayed", noted).await
    }

    async fn leave(&self, incarnation: IncarnationId, at: Timestamp) -> Result<(), StoreError> {
        self.operation("leave", beat::leave(&self.pools.adoption, &self.seen, incarnation, at)).await
    }

    async fn adopt_installation(
        &self,
        new: InstallationId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<(), StoreError> {
        let adopted = replicas::adopt_installation(&self.pools.adoption, new, at, record);
        self.operation("adopt_installation", adopted).await
    }

    async fn bad_answers(
        &self,
        provider: &ProviderName,
        recent: Timestamp,
        long_ago: Timestamp,
    ) -> Result<BadAnswers, StoreError> {
        let counted = breakers::bad_answers(&self.pools.rotation, provider, recent, long_ago);
        self.operation("bad_answers", counted).await
    }

    async fn note_bad_answer(&self, provider: &ProviderName, at: Timestamp) -> Result<(), StoreError> {
        let noted = breakers::note_bad_answer(&self.pools.rotation, provider, at);
        self.operation("note_bad_answer", noted).await
    }

    async fn note_suspect_refreshed(&self, provider: &ProviderName) -> Result<(), StoreError> {
        let noted = breakers::note_suspect_refreshed(&self.pools.rotation, provider);
        self.operation("note_suspect_refreshed", noted).await
    }

    async fn close_breaker(&self, provider: &ProviderName, record: &AuditRecord) -> Result<bool, StoreError> {
        self.operation("close_breaker", breakers::close(&self.pools.rotation, provider, record)).await
    }

    async fn open_breakers(&self) -> Result<Vec<OpenBreaker>, StoreError> {
        self.operation("open_breakers", breakers::open(&self.pools.rotation)).await
    }

    async fn forget_replicas(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.operation("forget_replicas", replicas::forget(&self.pools.rotation, before)).await
    }
}
