//! Attempts of this very run that nobody is at work on any more. Their owner lives, so that no other replica takes them
//! for orphans; they are orphans all the same, of an owner that is idle.

use super::presenting::Abandoned;
use crate::error::chain;
use crate::ports::{Orphan, OwnerFate};
use crate::{Attempt, AttemptPhase, Broker};

impl Broker {
    /// Sees which abandoned attempts are open. Their answers may be in the journal, so that is replayed first.
    pub(crate) async fn review_abandoned(&self) {
        if self.fleet.barred().is_some() {
            return;
        }
        for abandoned in self.presenting.abandoned() {
            if abandoned.replayed_at.is_none() && self.open_attempt(&abandoned).await.is_some() {
                tracing::error!(
                    attempt = %abandoned.attempt, "an attempt was begun and not settled; the journal is replayed"
                );
                self.fleet.asks_for_replay();
            }
        }
    }

    /// Those still open after the journal was replayed.
    pub(super) async fn abandoned_orphans(&self) -> Vec<Orphan> {
        let mut orphans = Vec::new();
        for abandoned in self.presenting.abandoned() {
            let Some(replayed_at) = abandoned.replayed_at else { continue };
            let Some(attempt) = self.open_attempt(&abandoned).await else { continue };
            let owner = OwnerFate {
                escrow: Some(self.escrow.id()),
                last_heartbeat: Some(self.clock.now()),
                drained_at: Some(replayed_at),
            };
            // An earlier presentation is looked for by the claim that follows (`grace.rs`).
            orphans.push(Orphan { attempt, first_sent_at: None, owner });
        }
        orphans
    }

    /// `None`: it is closed, and forgotten here; or nobody knows, and it is looked for again.
    async fn open_attempt(&self, abandoned: &Abandoned) -> Option<Attempt> {
        match self.grants.attempt(&abandoned.tenant, abandoned.attempt).await {
            Ok(Some(attempt)) if attempt.phase != AttemptPhase::Closed => Some(attempt),
            Ok(_) => {
                self.presenting.forget(abandoned.attempt);
                None
            }
            Err(error) => {
                let attempt = abandoned.attempt;
                tracing::warn!(%attempt, error = chain(&error), "an abandoned attempt could not be read");
                None
            }
        }
    }
}
