//! Places are given, watchers are woken, and what is old is forgotten.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::EventWatch;
use crate::error::chain;
use crate::ports::{EventFilter, EventStore, StoreError};
use crate::{Clock, Timestamp};

/// How often the store is looked at: so long an event may wait for its place, and a watcher of another process for it.
const EVERY: Duration = Duration::from_millis(100);

/// Events that get their places in one statement.
const AT_ONCE: u32 = 1000;

/// How often old events are forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(10 * 60);

/// Statements in one go, so that a long absence is made up for over some rounds.
const BATCHES: u32 = 100;

/// What a process does for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedRole {
    /// Gives events their places and forgets old ones; any number of replicas may.
    Keeps,
    /// Only reads.
    Reads,
}

/// The log of events, as this process reads it.
pub struct EventFeed {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) clock: Arc<dyn Clock>,
    newest: watch::Sender<u64>,
    role: FeedRole,
    kept: Duration,
}

impl EventFeed {
    /// Reads `store`; one that keeps the log forgets events older than `kept`.
    pub fn new(
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        role: FeedRole,
        kept: Duration,
    ) -> Arc<Self> {
        Arc::new(Self { store, clock, newest: watch::Sender::new(0), role, kept })
    }

    /// Reads events from a place on. `None`: only those that happen from now on.
    pub async fn watch(
        self: &Arc<Self>,
        filter: EventFilter,
        from: Option<u64>,
    ) -> Result<EventWatch, crate::BrokerError> {
        EventWatch::new(self.clone(), filter, from, self.newest.subscribe()).await
    }

    /// Sees to the log until `stop`, and once more then.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let (mut failed_before, mut pruned_at) = (false, self.clock.now());
        loop {
            let last = stop.is_cancelled();
            let looked = self.look().await;
            match &looked {
                Err(error) if !failed_before => {
                    tracing::warn!(error = chain(error), "events cannot be told at present; none is lost");
                }
                Ok(()) if failed_before => tracing::info!("events are told again"),
                _ => {}
            }
            failed_before = looked.is_err();
            if last {
                return;
            }
            let now = self.clock.now();
            if self.role == FeedRole::Keeps && now.since(pruned_at) >= PRUNE_EVERY {
                pruned_at = now;
                self.forget(now - self.kept).await;
            }
            stop.run_until_cancelled(self.clock.sleep_until(now + EVERY)).await;
        }
    }

    /// Gives places to what has none, and wakes the watchers if there is something new.
    pub async fn look(&self) -> Result<(), StoreError> {
        if self.role == FeedRole::Keeps {
            while self.store.sequence_events(AT_ONCE).await? >= u64::from(AT_ONCE) {}
        }
        if self.newest.receiver_count() > 0 {
            let newest = self.store.newest_event().await?;
            self.newest.send_if_modified(|known| std::mem::replace(known, newest) != newest);
        }
        Ok(())
    }

    async fn forget(&self, before: Timestamp) {
        for _ in 0..BATCHES {
            match self.store.prune_events(before, AT_ONCE).await {
                Ok(forgotten) if forgotten >= u64::from(AT_ONCE) => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(error = chain(&error), "old events could not be forgotten");
                    return;
                }
            }
        }
    }
}
