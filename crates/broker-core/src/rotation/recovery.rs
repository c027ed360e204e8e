//! At start: what earlier runs left open is settled before anything new is begun.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use broker_crypto::TenantKeys;

use super::Answer;
use super::adoption::Standing;
use super::presentation::read_answer;
use super::settlement::log_adoption;
use crate::error::chain;
use crate::ports::{AdoptOutcome, AttemptEnd, EscrowRecord, GrantAfter, RawResponse};
use crate::{
    Attempt, AttemptId, AttemptKind, AttemptPhase, Broker, BrokerError, FailureKind, Grant, Phase,
    ProviderFailure, TenantId,
};

/// How long an answer that cannot be settled is kept in escrow.
const ESCROW_KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long a start spends on one answer or attempt.
const SETTLE_WITHIN: Duration = Duration::from_secs(30);

/// What a start found and settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Escrowed answers that became token sets now.
    pub adopted: usize,
    /// Attempts that were provably never sent.
    pub unsent: usize,
    /// Attempts whose outcome nobody knows.
    pub uncertain: usize,
    /// Answers and attempts that could not be settled; they are kept for the next start.
    pub unsettled: usize,
    /// Journal records that could not be read; the files that hold them are kept for a day.
    pub damaged: u64,
}

impl Recovered {
    fn not_settled(&mut self, attempt: &AttemptId, error: &BrokerError) {
        tracing::error!(%attempt, error = chain(error), "an earlier run's attempt could not be settled");
        self.unsettled += 1;
    }
}

impl Broker {
    /// Replays the escrow of earlier runs, then settles the attempts they left open.
    ///
    /// Call it once, before serving, when no earlier run can still be alive.
    pub async fn recover(&self) -> Result<Recovered, BrokerError> {
        let mut recovered = Recovered::default();
        let earlier = self.escrow.earlier_records().await.map_err(escrow_unusable)?;
        recovered.damaged = earlier.damaged;
        let mut answered = HashSet::new();
        let kept_since = self.clock.now() - ESCROW_KEPT;
        for record in &earlier.records {
            match self.in_time(self.replay(record)).await {
                Ok(adopted) => recovered.adopted += usize::from(adopted),
                Err(error) => {
                    recovered.not_settled(&record.attempt, &error);
                    // Beyond its time the answer is let go below, and what it left behind is settled without it.
                    if record.received_at >= kept_since {
                        answered.insert(record.attempt);
                    }
                }
            }
        }
        for attempt in self.grants.orphaned_attempts(self.incarnation).await? {
            // Its answer lies in escrow and could not be settled: presenting the token again could cost the family.
            if answered.contains(&attempt.id) {
                continue;
            }
            match (attempt.phase, self.in_time(self.settle_orphan(&attempt)).await) {
                (_, Err(error)) => recovered.not_settled(&attempt.id, &error),
                (AttemptPhase::Claimed, Ok(())) => recovered.unsent += 1,
                (AttemptPhase::Sent, Ok(())) => recovered.uncertain += 1,
                (AttemptPhase::Closed, Ok(())) => {}
            }
        }
        let all_settled = recovered.unsettled == 0 && recovered.damaged == 0;
        self.escrow.forget_earlier((!all_settled).then_some(kept_since)).await.map_err(escrow_unusable)?;
        Ok(recovered)
    }

    /// A start must not wait for ever for a store that answers some questions and not others.
    async fn in_time<T>(&self, step: impl Future<Output = Result<T, BrokerError>>) -> Result<T, BrokerError> {
        let too_late = || BrokerError::Internal("the store did not settle it in time".into());
        self.within(Some(SETTLE_WITHIN), step).await.unwrap_or_else(|| Err(too_late()))
    }

    /// Whether the record's answer was adopted now. Reads are retried: an answer is worth a wait.
    async fn replay(&self, record: &EscrowRecord) -> Result<bool, BrokerError> {
        let attempt = self.persist(|| self.grants.attempt(&record.tenant, record.attempt)).await?;
        let attempt = attempt.ok_or_else(|| {
            BrokerError::Internal("an escrowed answer belongs to no attempt in this store".into())
        })?;
        if attempt.phase == AttemptPhase::Closed {
            return Ok(false);
        }
        let provider = self.provider(&attempt.key.provider)?;
        let keys = self.keys_when_reachable(&record.tenant).await?;
        let owner = EscrowRecord::owner(record.attempt, record.status, record.received_at);
        let response = RawResponse {
            status: record.status,
            retry_after: None,
            body: keys.open(&record.body, EscrowRecord::place(&record.tenant, &owner))?,
            received_at: record.received_at,
        };
        match read_answer(provider.as_ref(), &response) {
            Answer::Tokens(tokens) => {
                let Some(standing) = self.standing(&attempt).await? else { return Ok(false) };
                let outcome = self.adopt(&attempt, &tokens, &standing, provider.profile(), &keys).await?;
                log_adoption(&attempt, outcome);
                Ok(matches!(outcome, AdoptOutcome::Adopted(_)))
            }
            Answer::Failed(failure) => self.settle_orphaned_answer(&attempt, &failure).await.map(|()| false),
            Answer::NotSent(_) => Ok(false),
        }
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

    async fn settle_orphan(&self, attempt: &Attempt) -> Result<(), BrokerError> {
        match (attempt.kind, attempt.phase) {
            (_, AttemptPhase::Closed) => Ok(()),
            (AttemptKind::CodeExchange(_), _) => self.close_exchange(attempt, "interrupted").await,
            (AttemptKind::Refresh, AttemptPhase::Sent) => {
                self.settle_orphaned_answer(attempt, &ProviderFailure::of(FailureKind::Uncertain)).await
            }
            (AttemptKind::Refresh, AttemptPhase::Claimed) => self.release(attempt).await,
        }
    }

    /// A claim whose commit was not acknowledged may stand all the same: it is looked for, and given back.
    pub(crate) fn give_back_lost_claim(self: &Arc<Self>, tenant: TenantId, id: AttemptId) {
        let broker = Arc::clone(self);
        self.tasks.spawn(async move {
            let settled = match broker.persist(|| broker.grants.attempt(&tenant, id)).await {
                Ok(Some(attempt)) => {
                    let settled = broker.settle_orphan(&attempt).await;
                    broker.cache.forget(&attempt.key);
                    settled
                }
                Ok(None) => Ok(()),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = settled {
                let error = chain(&error);
                tracing::error!(attempt = %id, error, "a claim of unknown outcome could not be given back");
            }
        });
    }

    async fn settle_orphaned_answer(
        &self,
        attempt: &Attempt,
        failure: &ProviderFailure,
    ) -> Result<(), BrokerError> {
        if let AttemptKind::CodeExchange(_) = attempt.kind {
            return self.close_exchange(attempt, failure.kind.as_str()).await;
        }
        let provider = self.provider(&attempt.key.provider)?.clone();
        let Some(held) = self.persist(|| self.grants.vendable(&attempt.key)).await? else { return Ok(()) };
        self.settle_failure(attempt, &held.grant, failure, provider.as_ref()).await.map(|_| ())
    }

    /// Claimed and provably not sent: as if it had never been, and due again at once.
    pub(super) async fn release(&self, attempt: &Attempt) -> Result<(), BrokerError> {
        let Some(held) = self.persist(|| self.grants.vendable(&attempt.key)).await? else { return Ok(()) };
        let end = AttemptEnd {
            attempt: attempt.clone(),
            conclusion: "unsent",
            grant: Some(as_before(&held.grant, self.clock.now())),
            authorization_failure: None,
            at: self.clock.now(),
        };
        self.close(&end).await.map(|_| ())
    }

    pub(crate) async fn close_exchange(
        &self,
        attempt: &Attempt,
        failure: &'static str,
    ) -> Result<(), BrokerError> {
        let end = AttemptEnd {
            attempt: attempt.clone(),
            conclusion: failure,
            grant: None,
            authorization_failure: Some(failure),
            at: self.clock.now(),
        };
        self.close(&end).await.map(|_| ())
    }
}

fn as_before(grant: &Grant, now: crate::Timestamp) -> GrantAfter {
    GrantAfter {
        lifecycle: grant.lifecycle,
        phase: match grant.last_failure.as_ref().map(|last| last.kind) {
            _ if grant.tainted => Phase::Uncertain,
            // The claim has overwritten the phase; the failure tells that the token was refused once already.
            Some(FailureKind::DeadToken) => Phase::Suspect,
            _ => Phase::Idle,
        },
        tainted: grant.tainted,
        due_at: Some(now),
        failure: None,
    }
}

fn escrow_unusable(error: crate::ports::EscrowError) -> BrokerError {
    BrokerError::BackendUnavailable(Box::new(error))
}
