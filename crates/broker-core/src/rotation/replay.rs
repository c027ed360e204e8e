//! Replaying the journal: answers that were escrowed and never adopted, and ones a failover has undone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker_crypto::TenantKeys;

use super::Answer;
use super::adoption::Standing;
use super::presentation::read_answer;
use super::settlement::log_adoption;
use crate::error::chain;
use crate::fleet::Barred;
use crate::ports::{AdoptOutcome, EscrowError, EscrowRecord, Keep, RawResponse, VendableGrant};
use crate::{
    Attempt, AttemptId, AttemptKind, AttemptPhase, Broker, BrokerError, ProviderFailure, TenantId, Timestamp,
};

/// How long an answer is kept in escrow that cannot be settled, or is the newest of its grant.
const ESCROW_KEPT: Duration = Duration::from_secs(24 * 3600);

/// How often what could not be settled is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// How long a replay spends on one answer or attempt.
pub(super) const SETTLE_WITHIN: Duration = Duration::from_secs(30);

/// The attempts whose answers lie in this journal and could not be settled yet.
#[derive(Debug, Default)]
pub(crate) struct Unsettled(Mutex<(HashSet<AttemptId>, Option<Timestamp>)>);

impl Unsettled {
    pub(super) fn contains(&self, attempt: AttemptId) -> bool {
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
        let mut replayed = Replayed::default();
        // What stands in this journal belongs to another store.
        if self.fleet.barred() == Some(Barred::ForeignStore) {
            return Ok(replayed);
        }
        let epoch = self.fleet.epoch();
        let journal = self.escrow.records().await.map_err(escrow_unusable)?;
        replayed.damaged = journal.damaged;
        let kept_since = self.clock.now() - ESCROW_KEPT;
        for record in &journal.records {
            match self.in_time(self.replay_record(record)).await {
                Ok(adopted) => replayed.adopted += usize::from(adopted),
                Err(_) if self.is_moot(&record.attempt).await => {}
                Err(error) => {
                    let attempt = record.attempt.id;
                    tracing::error!(%attempt, error = chain(&error), "an escrowed answer could not be settled");
                    // Beyond its time the answer is let go below, and what it left behind is settled without it.
                    if record.received_at >= kept_since {
                        replayed.unsettled.insert(attempt);
                    }
                }
            }
        }
        self.unsettled.set(replayed.unsettled.clone(), self.clock.now());
        if replayed.unsettled.is_empty() {
            self.fleet_store.note_replayed(self.incarnation, epoch, self.clock.now()).await?;
        }
        let keep = Keep {
            newest_since: Some(kept_since),
            unsettled: replayed.unsettled.clone(),
            damaged_since: Some(kept_since),
        };
        self.escrow.compact(&keep).await.map_err(escrow_unusable)?;
        Ok(replayed)
    }

    /// A start must not wait for ever for a store that answers some questions and not others.
    pub(super) async fn in_time<T>(
        &self,
        step: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        let too_late = || BrokerError::Internal("the store did not settle it in time".into());
        self.within(Some(SETTLE_WITHIN), step).await.unwrap_or_else(|| Err(too_late()))
    }

    /// Whether the record's answer was adopted now. Reads are retried: an answer is worth a wait.
    async fn replay_record(&self, record: &EscrowRecord) -> Result<bool, BrokerError> {
        let attempt = &record.attempt;
        let provider = self.provider(&attempt.key.provider)?;
        let keys = self.keys_when_reachable(&attempt.key.tenant).await?;
        let owner = EscrowRecord::owner(attempt, record.status, record.received_at);
        let response = RawResponse {
            status: record.status,
            retry_after: None,
            body: keys.open(&record.body, EscrowRecord::place(&attempt.key.tenant, &owner))?,
            received_at: record.received_at,
        };
        match read_answer(provider.as_ref(), &response, Some(record.clone())) {
            Answer::Tokens(tokens) => {
                let Some(standing) = self.standing(attempt).await? else { return Ok(false) };
                let outcome = self.adopt(attempt, &tokens, &standing, provider.profile(), &keys).await?;
                log_adoption(attempt, outcome);
                Ok(matches!(outcome, AdoptOutcome::Adopted(_)))
            }
            Answer::Failed(failure, record) => {
                self.settle_open(attempt, &failure, record).await.map(|()| false)
            }
            Answer::NotSent(_) => Ok(false),
        }
    }

    /// Settles a failure, unless the attempt is closed or its row is gone.
    async fn settle_open(
        &self,
        attempt: &Attempt,
        failure: &ProviderFailure,
        record: Option<EscrowRecord>,
    ) -> Result<(), BrokerError> {
        let stored = self.persist(|| self.grants.attempt(&attempt.key.tenant, attempt.id)).await?;
        match stored.filter(|stored| stored.phase != AttemptPhase::Closed) {
            Some(open) => self.settle_orphaned_answer(&open, failure, record).await,
            None => Ok(()),
        }
    }

    /// Whether the grant has gone on from this attempt, so that its answer is not needed, or the tenant was deleted, so
    /// that nobody can read it.
    async fn is_moot(&self, attempt: &Attempt) -> bool {
        if self.is_destroyed(&attempt.key.tenant).await {
            return true;
        }
        let stored = self.grants.attempt(&attempt.key.tenant, attempt.id).await;
        let held = self.grants.vendable(&attempt.key).await;
        let closed = matches!(stored, Ok(Some(Attempt { phase: AttemptPhase::Closed, .. })));
        let went_on = |held: &VendableGrant| held.grant.generation > attempt.generation;
        closed && matches!(held, Ok(Some(held)) if went_on(&held))
    }

    async fn keys_when_reachable(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, BrokerError> {
        loop {
            match self.keys.of(tenant).await {
                Err(BrokerError::BackendUnavailable(_)) => {
                    self.clock.sleep_until(self.clock.now() + self.timing.tick).await;
                }
                settled => return settled,
            }
        }
    }

    async fn standing(&self, attempt: &Attempt) -> Result<Option<Standing>, BrokerError> {
        match attempt.kind {
            AttemptKind::Refresh => Ok(self
                .persist(|| self.grants.vendable(&attempt.key))
                .await?
                .map(|held| Standing::of_grant(&held.grant))),
            AttemptKind::CodeExchange(id) => {
                let tenant = &attempt.key.tenant;
                let authorization = self.persist(|| self.consents.authorization(tenant, id)).await?;
                Ok(authorization.map(|authorization| Standing::of_consent(&authorization, attempt)))
            }
        }
    }

    /// Answers that nobody could read when they came: this version may know how.
    pub(super) async fn reread_unread(&self) -> Result<usize, BrokerError> {
        let mut adopted = 0;
        for record in self.grants.unread_answers(UNREAD_AT_ONCE).await? {
            match self.in_time(self.replay_record(&record)).await {
                Ok(now) => adopted += usize::from(now),
                Err(error) => {
                    let attempt = record.attempt.id;
                    tracing::warn!(%attempt, error = chain(&error), "an unread answer could not be looked at");
                }
            }
        }
        Ok(adopted)
    }
}

const UNREAD_AT_ONCE: u32 = 1000;

fn escrow_unusable(error: EscrowError) -> BrokerError {
    BrokerError::BackendUnavailable(Box::new(error))
}
