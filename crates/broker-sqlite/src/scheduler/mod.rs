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

use crate::SqliteStore;
use crate::audit;
use crate::operation::{failed, operation};

#[async_trait]
impl SchedulerStore for SqliteStore {
    async fn pause_refresh(&self, pause: &RefreshPause, record: &AuditRecord) -> Result<(), StoreError> {
        operation("pause_refresh", async {
            let mut tx = self.write().await?;
            pauses::end(&mut tx, &pause.target).await?;
            pauses::begin(&mut tx, pause).await?;
            audit::write(&mut tx, record).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn resume_refresh(
        &self,
        target: &PauseTarget,
        now: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        operation("resume_refresh", async {
            let mut tx = self.write().await?;
            let ended = pauses::end(&mut tx, target).await?;
            let was_paused = ended.is_some_and(|expired_at| expired_at > now);
            if was_paused {
                audit::write(&mut tx, record).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(was_paused)
        })
        .await
    }

    async fn refresh_pauses(&self, now: Timestamp) -> Result<Vec<RefreshPause>, StoreError> {
        operation("refresh_pauses", pauses::read(&self.readers, now)).await
    }

    async fn prune_pauses(&self, now: Timestamp) -> Result<u64, StoreError> {
        operation("prune_pauses", pauses::prune(&self.writer, now)).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        operation("backlog", async { backlog::read(&mut *self.read().await?, now).await }).await
    }

    async fn replicas(&self, alive_since: Timestamp) -> Result<Vec<ReplicaStanding>, StoreError> {
        operation("replicas", backlog::replicas(&self.readers, alive_since)).await
    }

    async fn note_successes(&self, successes: &[(ProviderName, Timestamp)]) -> Result<(), StoreError> {
        operation("note_successes", successes::note(&self.writer, successes)).await
    }

    async fn last_successes(&self) -> Result<Vec<(ProviderName, Timestamp)>, StoreError> {
        operation("last_successes", successes::read(&self.readers)).await
    }

    async fn take_registration_news(&self) -> Result<RegistrationNews, StoreError> {
        operation("take_registration_news", async {
            // Nearly always there is none, and then nothing is written.
            if !news::is_there(&self.readers).await? {
                let standing = news::standing(&mut *self.read().await?).await?;
                return Ok(RegistrationNews { standing, ..RegistrationNews::default() });
            }
            let mut tx = self.write().await?;
            let news = news::take(&mut tx).await?;
            tx.commit().await.map_err(failed)?;
            Ok(news)
        })
        .await
    }
}
