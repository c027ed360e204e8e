//! The replicas on this file, one at a time by its lock, and the breakers of providers.

mod breakers;
mod installation;
mod replicas;

use async_trait::async_trait;
use broker_core::ports::{BadAnswers, Epoch, FleetStore, Joined, OpenBreaker, Pulse, Replica, StoreError};
use broker_core::{IncarnationId, InstallationId, ProviderName, Timestamp};

use crate::SqliteStore;
use crate::history::{self, History};
use crate::operation::{failed, operation};

#[async_trait]
impl FleetStore for SqliteStore {
    async fn join(
        &self,
        replica: &Replica,
        alive_since: Timestamp,
        rotated_since: Timestamp,
    ) -> Result<Joined, StoreError> {
        operation("join", async {
            let mut tx = self.write().await?;
            let history = history::beat(&mut tx, self.watch.seen()).await?;
            replicas::insert(&mut tx, replica, history.epoch).await?;
            let joined = replicas::joined(&mut tx, replica, &history, alive_since, rotated_since).await?;
            if joined.lacks_journals() {
                replicas::pause(&mut tx, replica.incarnation).await?;
            }
            tx.commit().await.map_err(failed)?;
            self.watch.raise(&history);
            Ok(joined)
        })
        .await
    }

    async fn heartbeat(
        &self,
        incarnation: IncarnationId,
        at: Timestamp,
        alive_since: Timestamp,
        recent: Timestamp,
    ) -> Result<Pulse, StoreError> {
        operation("heartbeat", async {
            let mut tx = self.write().await?;
            let history = history::beat(&mut tx, self.watch.seen()).await?;
            let known = replicas::beat(&mut tx, incarnation, at).await?;
            let (alive, replays_pending) =
                replicas::count(&mut tx, history.epoch, alive_since, recent).await?;
            tx.commit().await.map_err(failed)?;
            self.watch.raise(&history);
            let History { epoch, installation, .. } = history;
            // There is no server and no clock but the caller's.
            Ok(Pulse { store_time: at, epoch, installation, alive, replays_pending, unknown: !known })
        })
        .await
    }

    async fn note_replayed(
        &self,
        incarnation: IncarnationId,
        epoch: Epoch,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        operation("note_replayed", async {
            let mut tx = self.write().await?;
            replicas::note_replayed(&mut tx, incarnation, epoch).await?;
            replicas::drain_earlier_runs(&mut tx, incarnation, at).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn leave(&self, incarnation: IncarnationId, at: Timestamp) -> Result<(), StoreError> {
        operation("leave", replicas::leave(&self.writer, incarnation, at)).await
    }

    async fn adopt_installation(&self, new: InstallationId, at: Timestamp) -> Result<(), StoreError> {
        operation("adopt_installation", async {
            let mut tx = self.write().await?;
            installation::rename(&mut tx, new).await?;
            installation::count_as_lost(&mut tx, at).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn bad_answers(
        &self,
        provider: &ProviderName,
        recent: Timestamp,
        long_ago: Timestamp,
    ) -> Result<BadAnswers, StoreError> {
        operation("bad_answers", breakers::bad_answers(&self.readers, provider, recent, long_ago)).await
    }

    async fn note_bad_answer(&self, provider: &ProviderName, at: Timestamp) -> Result<(), StoreError> {
        operation("note_bad_answer", breakers::note_bad_answer(&self.writer, provider, at)).await
    }

    async fn note_suspect_refreshed(&self, provider: &ProviderName) -> Result<(), StoreError> {
        operation("note_suspect_refreshed", breakers::note_suspect_refreshed(&self.writer, provider)).await
    }

    async fn close_breaker(&self, provider: &ProviderName) -> Result<bool, StoreError> {
        operation("close_breaker", breakers::close(&self.writer, provider)).await
    }

    async fn open_breakers(&self) -> Result<Vec<OpenBreaker>, StoreError> {
        operation("open_breakers", breakers::open(&self.readers)).await
    }

    async fn forget_replicas(&self, before: Timestamp) -> Result<u64, StoreError> {
        operation("forget_replicas", replicas::forget(&self.writer, before)).await
    }
}
