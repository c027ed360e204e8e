//! The log of events. Most are written by triggers of the schema, see `0014_events.sql`.

mod read;
pub(crate) mod tell;

use async_trait::async_trait;
use broker_core::Timestamp;
use broker_core::ports::{EventFilter, EventPage, EventStore, StoreError};

use crate::SqliteStore;
use crate::columns::Columns;
use crate::operation::failed;

#[async_trait]
impl EventStore for SqliteStore {
    /// Events have their places here from the beginning.
    async fn sequence_events(&self, _limit: u32) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn newest_event(&self) -> Result<u64, StoreError> {
        self.operation("newest_event", async {
            let head = sqlx::query("SELECT sequence FROM event_head").fetch_one(&self.readers).await;
            head.map_err(failed)?.number("sequence")
        })
        .await
    }

    async fn events_after(
        &self,
        filter: &EventFilter,
        after: u64,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        self.operation("events_after", read::page(&self.readers, filter, after, limit)).await
    }

    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.operation("prune_events", async {
            let mut tx = self.write().await?;
            let forgotten = read::prune(&mut tx, before, limit).await?;
            tx.commit().await.map_err(failed)?;
            Ok(forgotten)
        })
        .await
    }
}
