//! Replaying the journal: answers that were escrowed and never adopted, and ones a failover has undone.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;

use super::by_grant::by_grant;
use super::escrowed::EscrowLoad;
use super::progress::Progress;
use super::replay_record::Unsettleable;
use crate::fleet::Barred;
use crate::ports::{EscrowError, EscrowRecords, Keep};
use crate::{AttemptId, Broker, BrokerError, Timestamp};

/// How long an answer is kept in escrow that cannot be settled, or is the newest of its grant.
const ESCROW_KEPT: Duration = Duration::from_secs(24 * 3600);

/// How often what could not be settled is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// The attempts whose answers lie in this journal and could not be settled yet.
#[derive(Debug, Default)]
pub(crate) struct Unsettled(Mutex<(HashSet<AttemptId>, Option<Timestamp>)>);

impl Unsettled {
    pub(crate) fn contains(&self, attempt: AttemptId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.contains(&attempt)
    }

    /// Whether some are left, and were last tried long enough ago.
    fn is_due(&self, now: Timestamp) -> bool {
        let (attempts, tried_at) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !attempts.is_empty() && tried_at.is_none_or(|tried| now.since(tried) >= TRY_AGAIN)
    }

    fn set(&self, attempts: HashSet<AttemptId>, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (attempts, Some(now));
    }
}

/// What replaying found.
#[derive(Debug, Clone, Default)]
pub(super) struct Replayed {
    /// Answers that became token sets now.
    pub(super) adopted: usize,
    /// Attempts whose answers could not be settled.
    pub(super) unsettled: HashSet<AttemptId>,
    /// How much of the journal those are.
    left: EscrowLoad,
    /// Records that could not be read.
    pub(super) damaged: u64,
}

impl Broker {
    /// Replays the journal if the store's epoch has changed, or something in it was not settled yet.
    pub(crate) async fn replay_if_due(&self) -> Result<(), BrokerError> {
        if self.fleet.takes_replay() || self.unsettled.is_due(self.clock.now()) {
            self.replay().await.inspect_err(|_| self.fleet.asks_for_replay())?;
        }
        Ok(())
    }

    /// Replays the whole journal, which is idempotent, and tells the fleet so if all of it is settled.
    pub(super) async fn replay(&self) -> Result<Replayed, BrokerError> {
        // What stands in this journal belongs to another store.
        if self.fleet.barred() == Some(Barred::ForeignStore) {
            return Ok(Replayed::default());
        }
        let epoch = self.fleet.epoch();
        let abandoned = self.presenting.abandoned();
        let journal = self.escrow.records().await.map_err(escrow_unusable)?;
        let kept_since = self.clock.now() - ESCROW_KEPT;
        let replayed = self.replay_records(journal, kept_since).await;
        self.unsettled.set(replayed.unsettled.clone(), self.clock.now());
        self.escrow_counts.replayed(replayed.left);
        self.presenting.note_replayed(&abandoned, self.clock.now());
        if replayed.unsettled.is_empty() {
            self.fleet_store.note_replayed(self.incarnation, epoch, self.clock.now()).await?;
            self.fleet.replayed(epoch);
        }
        let keep = Keep {
            newest_since: Some(kept_since),
            unsettled: replayed.unsettled.clone(),
            damaged_since: Some(kept_since),
        };
        self.escrow.compact(&keep).await.map_err(escrow_unusable)?;
        Ok(replayed)
    }

    async fn replay_records(&self, journal: EscrowRecords, kept_since: Timestamp) -> Replayed {
        let left = EscrowLoad { damaged: journal.damaged, ..EscrowLoad::default() };
        let mut replayed = Replayed { damaged: journal.damaged, left, ..Replayed::default() };
        let mut progress = Progress::begin(journal.records.len(), self.clock.now());
        let mut outcomes = pin!(by_grant(journal.records, |record| self.replay_in_time(record)));
        while let Some(outcome) = outcomes.next().await {
            progress.advance(self.clock.now());
            match outcome {
                Ok(adopted) => replayed.adopted += usize::from(adopted),
                // Beyond its time the answer is let go, and what it left behind is settled without it.
                Err(Unsettleable { received_at, .. }) if received_at < kept_since => {}
                Err(Unsettleable { attempt, received_at, bytes }) => {
                    replayed.unsettled.insert(attempt);
                    replayed.left.add(received_at, bytes as u64);
                }
            }
        }
        replayed
    }

    /// Answers that nobody could read when they came: this version may know how.
    pub(super) async fn reread_unread(&self) -> Result<usize, BrokerError> {
        let mut adopted = 0;
        let unread = self.grants.unread_answers(UNREAD_AT_ONCE).await?;
        let mut outcomes = pin!(by_grant(unread, |record| self.reread(record)));
        while let Some(now) = outcomes.next().await {
            adopted += usize::from(now);
        }
        Ok(adopted)
    }
}

const UNREAD_AT_ONCE: u32 = 1000;

fn escrow_unusable(error: EscrowError) -> BrokerError {
    BrokerError::BackendUnavailable(Box::new(error))
}
