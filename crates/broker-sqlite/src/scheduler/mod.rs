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

use crate::SqliteStore;
use crate::audit;
use crate::events::tell;
use crate::operation::failed;

#[async_trait]
impl SchedulerStore for SqliteStore {
    async fn pause_refresh(&self, pause: &RefreshPause, record: &AuditRecord) -> Result<(), StoreError> {
        self.operation("pause_refresh", async {
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
        self.operation("resume_refresh", async {
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
        self.operation("refresh_pauses", pauses::read(&self.readers, now)).await
    }

    async fn prune_pauses(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.operation("prune_pauses", pauses::prune(&self.writer, now)).await
    }

    async fn count_grants(&self, now: Timestamp) -> Result<Vec<ProviderGrants>, StoreError> {
        self.operation("count_grants", count::read(&self.readers, now)).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        self.operation("backlog", async { backlog::read(&mut *self.read().await?, now).await }).await
    }

    async fn replicas(&self, alive_since: Timestamp) -> Result<Vec<ReplicaStanding>, StoreError> {
        self.operation("replicas", backlog::replicas(&self.readers, alive_since)).await
    }

    async fn note_successes(&self, successes: &[(ProviderName, Timestamp)]) -> Result<(), StoreError> {
        self.operation("note_successes", successes::note(&self.writer, successes)).await
    }

    async fn last_successes(&self) -> Result<Vec<(ProviderName, Timestamp)>, StoreError> {
        self.operation("last_successes", successes::read(&self.readers)).await
    }

    async fn take_registration_news(&self) -> Result<RegistrationNews, StoreError> {
        self.operation("take_registration_news", async {
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

    async fn due_notices(&self, now: Timestamp, limit: u32) -> Result<Vec<DueNotice>, StoreError> {
        self.operation("due_notices", async { notices::due(&mut *self.read().await?, now, limit).await })
            .await
    }

    async fn give_notice(&self, notice: &Notice, record: &AuditRecord) -> Result<bool, StoreError> {
        self.operation("give_notice", async {
            let mut tx = self.write().await?;
            let given = notices::give(&mut tx, notice).await?;
            if given {
                audit::write(&mut tx, record).await?;
                tell::of_end(&mut tx, notice.due.key.grant_id(), notice.at).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(given)
        })
        .await
    }

    async fn end_with_token(
        &self,
        due: &DueNotice,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("end_with_token", async {
            let mut tx = self.write().await?;
            let ended = notices::end_with_token(&mut tx, due, at).await?;
            if ended {
                audit::write(&mut tx, record).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(ended)
        })
        .await
    }

    async fn put_off_notice(&self, due: &DueNotice, until: Option<Timestamp>) -> Result<(), StoreError> {
        self.operation("put_off_notice", notices::put_off(&self.writer, due, until)).await
    }

    async fn at_risk_grants(&self, filter: &AtRiskFilter) -> Result<Vec<Grant>, StoreError> {
        self.operation("at_risk_grants", async { notices::at_risk(&mut *self.read().await?, filter).await })
            .await
    }
}
