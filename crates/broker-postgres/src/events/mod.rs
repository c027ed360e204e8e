//! The log of events. Most are written by triggers and functions of the schema, see `0026_events.sql`.

mod read;
pub(crate) mod tell;

use async_trait::async_trait;
use broker_core::Timestamp;
use broker_core::ports::{EventFilter, EventPage, EventStore, StoreError};

use crate::PostgresStore;
use crate::columns::number;
use crate::operation::failed;

#[async_trait]
impl EventStore for PostgresStore {
    async fn sequence_events(&self, limit: u32) -> Result<u64, StoreError> {
        self.operation("sequence_events", async {
            let moved = sqlx::query_scalar!(r#"SELECT sequence_events($1) AS "moved!""#, i64::from(limit))
                .fetch_one(&self.pools.consent)
                .await
                .map_err(failed)?;
            number(moved, "moved")
        })
        .await
    }

    async fn newest_event(&self) -> Result<u64, StoreError> {
        self.operation("newest_event", async {
            let newest = sqlx::query_scalar!(r#"SELECT newest_event() AS "newest!""#)
                .fetch_one(&self.pools.vending)
                .await
                .map_err(failed)?;
            number(newest, "newest")
        })
        .await
    }

    async fn events_after(
        &self,
        filter: &EventFilter,
        after: u64,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        self.operation("events_after", read::page(&self.pools.vending, filter, after, limit)).await
    }

    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.operation("prune_events", async {
            let forgotten = sqlx::query_scalar!(
                r#"SELECT prune_events($1, $2) AS "forgotten!""#,
                before.as_unix_micros(),
                i64::from(limit),
            )
            .fetch_one(&self.pools.consent)
            .await
            .map_err(failed)?;
            number(forgotten, "forgotten")
        })
        .await
    }
}
