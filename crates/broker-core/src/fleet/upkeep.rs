//! What is old is let go: closed attempts, replicas that ended in order, pauses that are over, and requests nobody will
//! repeat any more (rule 18).

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Broker;
use crate::error::chain;
use crate::ports::{REQUESTS_KEPT, StoreError};

/// How often.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// Attempts deleted at once: a short statement each time.
const BATCH: u32 = 1000;
/// Statements in one go, so that a long absence is made up for over some rounds.
const BATCHES: u32 = 500;

impl Broker {
    /// Deletes what is older than it is to be kept, every ten minutes until `stop`. Every replica may run it.
    pub async fn run_upkeep(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let next = self.clock.now() + EVERY;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(next) => {}
            }
            match self.let_go().await {
                Ok(deleted) if deleted > 0 => tracing::info!(deleted, "old attempts were deleted"),
                Ok(_) => {}
                Err(error) => tracing::warn!(error = chain(&error), "old attempts could not be deleted"),
            }
        }
    }

    /// One round. Answers how many attempts were deleted.
    pub async fn let_go(&self) -> Result<u64, StoreError> {
        let before = self.clock.now() - self.timing.attempts_kept;
        let mut deleted = 0;
        for _ in 0..BATCHES {
            match self.grants.prune_attempts(before, BATCH).await? {
                0 => break,
                some => deleted += some,
            }
        }
        // Longer than journals keep an answer: what is replayed from one finds that it was dealt with.
        for _ in 0..BATCHES {
            if self.revocations.prune_revocations(before, BATCH).await? == 0 {
                break;
            }
        }
        self.fleet_store.forget_replicas(before).await?;
        let now = self.clock.now();
        self.scheduler.prune_pauses(now).await?;
        while self.tenants.prune_requests(now - REQUESTS_KEPT, BATCH).await? >= u64::from(BATCH) {}
        Ok(deleted)
    }
}
