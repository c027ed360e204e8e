//! Attempts whose owner is gone or idle: given back if unsent, closed in doubt once nothing else can be known.

use std::sync::Arc;

use super::conclusion::untouched;
use super::fence::{Fence, fence};
use super::settlement::Failed;
use crate::error::chain;
use crate::ports::{AttemptEnd, EscrowRecord, Orphan};
use crate::{
    Attempt, AttemptId, AttemptKind, AttemptPhase, Broker, BrokerError, FailureKind, ProviderFailure,
    TenantId,
};

/// Orphans looked at in one go: more than the attempts that replicas have in flight when they die.
const AT_ONCE: u32 = 4096;

/// Counted beside the attempt's own end: it was closed in doubt although its owner's journal was never replayed (C6n).
const JOURNAL_NOT_SEEN: &str = "journal_not_seen";

/// How orphans were settled.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Orphaned {
    pub(super) unsent: usize,
    pub(super) in_doubt: usize,
    pub(super) unsettled: usize,
}

impl Broker {
    /// Settles the orphans whose time has come. Every replica does it; the store decides between them.
    pub(crate) async fn settle_orphans(&self) -> Result<(), BrokerError> {
        self.sweep_orphans().await.map(|_| ())
    }

    pub(super) async fn sweep_orphans(&self) -> Result<Orphaned, BrokerError> {
        let mut settled = Orphaned::default();
        if self.fleet.barred().is_some() {
            return Ok(settled);
        }
        let mut orphans = self.grants.orphans(self.incarnation, self.silent_since(), AT_ONCE).await?;
        orphans.extend(self.abandoned_orphans().await);
        for orphan in orphans {
            let attempt = &orphan.attempt;
            let (count, outcome) = match self.fence_of(&orphan) {
                Fence::Wait => continue,
                Fence::Unsent => (&mut settled.unsent, self.in_time(self.give_back(attempt)).await),
                Fence::InDoubt => {
                    if orphan.owner.drained_at.is_none() {
                        self.tally.count(&attempt.key.provider, JOURNAL_NOT_SEEN);
                        self.measures.losses.journal_not_seen(attempt.grant_id());
                    }
                    (&mut settled.in_doubt, self.in_time(self.doubt(attempt)).await)
                }
            };
            *count += usize::from(outcome.is_ok());
            self.cache.forget(&attempt.key);
            if let Err(error) = outcome {
                settled.unsettled += 1;
                tracing::error!(
                    attempt = %attempt.id, error = chain(&error), "an orphaned attempt could not be settled"
                );
            }
        }
        Ok(settled)
    }

    /// What cannot be concluded here waits: a provider that is not configured, an answer in this very journal that
    /// could not be settled yet.
    fn fence_of(&self, orphan: &Orphan) -> Fence {
        match self.provider(&orphan.attempt.key.provider) {
            Ok(provider) if !self.unsettled.contains(orphan.attempt.id) => {
                fence(orphan, provider.profile().rotation, self.clock.now(), &self.timing)
            }
            Ok(_) | Err(_) => Fence::Wait,
        }
    }

    /// Claimed and provably not sent: as if it had never been, and due again at once.
    pub(super) async fn give_back(&self, attempt: &Attempt) -> Result<(), BrokerError> {
        if let AttemptKind::CodeExchange(_) = attempt.kind {
            return self.close_exchange(attempt, "interrupted").await;
        }
        let Some(held) = self.persist(|| self.grants.vendable(&attempt.key)).await? else { return Ok(()) };
        let after = untouched(&held.grant, Some(self.clock.now()));
        self.close(&AttemptEnd::unsent(attempt, Some(after), self.clock.now())).await.map(|_| ())
    }

    /// Sent, and its answer can be found nowhere.
    async fn doubt(&self, attempt: &Attempt) -> Result<(), BrokerError> {
        tracing::warn!(
            attempt = %attempt.id, grant = %attempt.grant_id(), owner = %attempt.owner,
            "an orphaned attempt was sent and its answer is not known"
        );
        self.settle_orphaned_answer(attempt, &ProviderFailure::of(FailureKind::Uncertain), None).await
    }

    pub(super) async fn settle_orphaned_answer(
        &self,
        attempt: &Attempt,
        failure: &ProviderFailure,
        record: Option<EscrowRecord>,
    ) -> Result<(), BrokerError> {
        if let AttemptKind::CodeExchange(_) = attempt.kind {
            return self.close_exchange(attempt, failure.kind.as_str()).await;
        }
        let provider = self.provider(&attempt.key.provider)?.clone();
        let Some(held) = self.persist(|| self.grants.vendable(&attempt.key)).await? else { return Ok(()) };
        let failed = Failed { failure, record, secret: None };
        self.settle_failure(attempt, &held.grant, failed, provider.as_ref()).await.map(|_| ())
    }

    /// A claim whose commit was not acknowledged may stand all the same: it is looked for, and given back.
    pub(crate) fn give_back_lost_claim(self: &Arc<Self>, tenant: TenantId, id: AttemptId) {
        let broker = Arc::clone(self);
        self.tasks.spawn(async move {
            let found = broker.persist(|| broker.grants.attempt(&tenant, id)).await;
            let settled = match found {
                Ok(Some(attempt)) if attempt.phase == AttemptPhase::Claimed => {
                    let settled = broker.give_back(&attempt).await;
                    broker.cache.forget(&attempt.key);
                    settled
                }
                Ok(_) => Ok(()),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = settled {
                let error = chain(&error);
                tracing::error!(attempt = %id, error, "a claim of unknown outcome could not be given back");
            }
        });
    }

    pub(crate) async fn close_exchange(
        &self,
        attempt: &Attempt,
        failure: &'static str,
    ) -> Result<(), BrokerError> {
        // A device code is not spent by a poll.
        if self.settle_orphaned_poll(attempt, failure).await? {
            return Ok(());
        }
        let end = AttemptEnd {
            conclusion: failure,
            authorization_failure: Some(failure),
            ..AttemptEnd::without_grant(attempt, self.clock.now())
        };
        self.close(&end).await.map(|_| ())
    }
}
