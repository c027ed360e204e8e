//! The log of events as a store keeps it.

use async_trait::async_trait;

use super::StoreError;
use crate::{Event, EventType, TenantId, Timestamp};

/// Which events to read.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Those of this tenant and those that concern every tenant; `None` for all.
    pub tenant: Option<TenantId>,
    /// Only these types; empty means all.
    pub types: Vec<EventType>,
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events, in their order.
    pub events: Vec<Event>,
    /// The oldest place that is kept.
    pub oldest: u64,
    /// The last place given; 0 while there is none.
    pub newest: u64,
}

/// The log of events. Places are given once, have no gaps, and are in the order of changes for each grant.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Gives the oldest events that have none their places in the log. Answers how many; fewer than `limit` if none is
    /// left.
    async fn sequence_events(&self, limit: u32) -> Result<u64, StoreError>;

    /// The last place given; 0 while there is none.
    async fn newest_event(&self) -> Result<u64, StoreError>;

    /// At most `limit` events after a place.
    async fn events_after(
        &self,
        filter: &EventFilter,
        after: u64,
        limit: u32,
    ) -> Result<EventPage, StoreError>;

    /// Forgets events made before a time, from the beginning of the log on. Looks at `limit` of them and answers how many
    /// it forgot.
    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
