//! The loop that carries revocations out. Every replica runs one; the store gives each revocation to one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

use crate::Broker;
use crate::error::chain;
use crate::ports::{PendingRevocation, StoreError, TakeRevocations};

/// Revocations under way in one process at once.
const AT_ONCE: usize = 16;

impl Broker {
    /// Revokes at the providers what is due, and goes on with deletions of tenants, every tick and whenever there is
    /// something new, until `stop`.
    pub async fn run_revocations(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.revoke_due().await {
                tracing::warn!(error = chain(&error), "due revocations could not be read");
            }
            if let Err(error) = self.go_on_deleting().await {
                tracing::warn!(error = chain(&error), "a tenant's deletion could not go on");
            }
            let next = self.clock.now() + self.timing.tick;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.to_revoke.notified() => {}
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    /// Begins what is due and has room. Answers how many were begun.
    pub async fn revoke_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        // A copy of the store must not revoke what the original lives on (rule 16).
        if self.fleet.barred().is_some() {
            return Ok(0);
        }
        let room = AT_ONCE.saturating_sub(self.revoking.0.load(Ordering::SeqCst));
        if room == 0 {
            return Ok(0);
        }
        let due_by = self.clock.now();
        // Both tokens of a set may take an attempt's time each.
        let hold_until = due_by + self.timing.attempt_budget * 2 + self.timing.lease_ttl;
        let ask = TakeRevocations { due_by, hold_until, limit: u32::try_from(room).unwrap_or(u32::MAX) };
        let taken = self.revocations.take_revocations(ask).await?;
        let begun = taken.len();
        taken.into_iter().for_each(|revocation| self.begin_revocation(revocation));
        Ok(begun)
    }

    /// Carries one out in a task of its own; with the end of it there is room for another.
    fn begin_revocation(self: &Arc<Self>, revocation: PendingRevocation) {
        let (broker, begun) = (Arc::clone(self), self.revoking.begin());
        self.tasks.spawn(async move {
            if let Err(error) = broker.revoke_upstream(&revocation).await {
                // What the store was not told is tried again when the hold is over.
                tracing::warn!(revocation = %revocation.id, error = chain(&error), "a revocation was not settled");
            }
            drop(begun);
            broker.to_revoke.notify_one();
        });
    }
}

/// How many revocations are under way here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Revoking(Arc<AtomicUsize>);

/// One of them.
struct Begun(Arc<AtomicUsize>);

impl Revoking {
    fn begin(&self) -> Begun {
        self.0.fetch_add(1, Ordering::SeqCst);
        Begun(Arc::clone(&self.0))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
