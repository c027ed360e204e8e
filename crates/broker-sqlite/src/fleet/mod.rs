//! The replicas on this file, one at a time by its lock, and the breakers of providers.

mod breakers;
mod installation;
mod replicas;

use async_trait::async_trait;
use broker_core::ports::{BadAnswers, Epoch, FleetStore, Joined, OpenBreaker, Pulse, Replica, StoreError};
use broker_core::{AuditRecord, EventType, IncarnationId, InstallationId, ProviderName, Timestamp};

use crate::SqliteStore;
use crate::audit;
use crate::events::tell;
use crate::history::{self, History};
use crate::operation::failed;

#[async_trait]
impl FleetStore for SqliteStore {
    async fn join(&self, replica: &Replica, rotated_since: Timestamp) -> Result<Joined, StoreError> {
        self.operation("join", async {
            let mut tx = self.write().await?;
            let history = history::beat(&mut tx, self.watch.seen()).await?;
            replicas::insert(&mut tx, replica, &history).await?;
            let joined = replicas::joined(&mut tx, replica, &history, rotated_since).await?;
            if joined.is_unvouched() {
                replicas::set_unvouched(&mut *tx, replica.incarnation, true).await?;
            }
            tx.commit().await.map_err(failed)?;
            self.watch.raise(&history);
            Ok(joined)
        })
        .await
    }

    async fn note_vouched(&self, incarnation: IncarnationId) -> Result<(), StoreError> {
        self.operation("note_vouched", replicas::set_unvouched(&self.writer, incarnation, false)).await
    }

    async fn heartbeat(
        &self,
        incarnation: IncarnationId,
        at: Timestamp,
        alive_since: Timestamp,
        recent: Timestamp,
    ) -> Result<Pulse, StoreError> {
        self.operation("heartbeat", async {
            let mut tx = self.write().await?;
            let history = history::beat(&mut tx, self.watch.seen()).await?;
            let known = replicas::beat(&mut tx, incarnation, at, history.beats).await?;
            let counted = replicas::count(&mut tx, incarnation, history.epoch, alive_since, recent).await?;
            tx.commit().await.map_err(failed)?;
            self.watch.raise(&history);
            let History { epoch, installation, .. } = history;
            let replicas::Counted { alive, others_beat, replays_pending } = counted;
            // There is no server and no clock but the caller's.
            let store_time = at;
            Ok(Pulse {
                store_time,
                epoch,
                installation,
                alive,
                others_beat,
                replays_pending,
                unknown: !known,
            })
        })
        .await
    }

    async fn note_replayed(
        &self,
        incarnation: IncarnationId,
        epoch: Epoch,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.operation("note_replayed", async {
            let mut tx = self.write().await?;
            replicas::note_replayed(&mut tx, incarnation, epoch).await?;
            replicas::drain_earlier_runs(&mut tx, incarnation, at).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn leave(&self, incarnation: IncarnationId, at: Timestamp) -> Result<(), StoreError> {
        self.operation("leave", async {
            let mut tx = self.write().await?;
            let history = history::beat(&mut tx, self.watch.seen()).await?;
            replicas::leave(&mut tx, incarnation, at, history.beats).await?;
            tx.commit().await.map_err(failed)?;
            self.watch.raise(&history);
            Ok(())
        })
        .await
    }

    async fn adopt_installation(
        &self,
        new: InstallationId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<(), StoreError> {
        self.operation("adopt_installation", async {
            let mut tx = self.write().await?;
            installation::rename(&mut tx, new).await?;
            installation::count_as_lost(&mut tx, at).await?;
            audit::write(&mut tx, record).await?;
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
        self.operation("bad_answers", breakers::bad_answers(&self.readers, provider, recent, long_ago)).await
    }

    async fn note_bad_answer(&self, provider: &ProviderName, at: Timestamp) -> Result<(), StoreError> {
        self.operation("note_bad_answer", async {
            let mut tx = self.write().await?;
            breakers::note_bad_answer(&mut tx, provider, at).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn note_suspect_refreshed(&self, provider: &ProviderName) -> Result<(), StoreError> {
        self.operation("note_suspect_refreshed", breakers::note_suspect_refreshed(&self.writer, provider))
            .await
    }

    async fn close_breaker(&self, provider: &ProviderName, record: &AuditRecord) -> Result<bool, StoreError> {
        self.operation("close_breaker", async {
            let mut tx = self.write().await?;
            let closed = breakers::close(&mut tx, provider).await?;
            if closed {
                audit::write(&mut tx, record).await?;
                tell::of_provider(&mut tx, EventType::ProviderRecovered, provider, record.at).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(closed)
        })
        .await
    }

    async fn open_breakers(&self) -> Result<Vec<OpenBreaker>, StoreError> {
        self.operation("open_breakers", breakers::open(&self.readers)).await
    }

    async fn forget_replicas(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.operation("forget_replicas", replicas::forget(&self.writer, before)).await
    }
}
