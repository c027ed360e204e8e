//! Replaying one record: its answer is adopted, or concluded, as if it had come just now.

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::{DekId, TenantKeys};

use super::Answer;
use super::adoption::Standing;
use super::presentation::read_answer;
use crate::error::chain;
use crate::ports::{AdoptOutcome, EscrowRecord, RawResponse, VendableGrant};
use crate::{
    Attempt, AttemptId, AttemptKind, AttemptPhase, Authorization, Broker, BrokerError, GrantWindow,
    ProviderFailure, ProviderProfile, TenantId, Timestamp, TokenResponse,
};

/// How long settling spends on one answer or attempt.
const SETTLE_WITHIN: Duration = Duration::from_secs(30);

/// A record whose answer could not be settled. The log says why.
pub(super) struct Unsettleable {
    pub(super) attempt: AttemptId,
    pub(super) received_at: Timestamp,
    /// Of its sealed body.
    pub(super) bytes: usize,
}

impl Broker {
    /// Replays a record in its time. Answers whether its answer was adopted now.
    pub(super) async fn replay_in_time(&self, record: EscrowRecord) -> Result<bool, Unsettleable> {
        match self.in_time(self.replay_record(&record)).await {
            Ok(adopted) => Ok(adopted),
            Err(_) if self.is_moot(&record.attempt).await => Ok(false),
            Err(error) => {
                let attempt = record.attempt.id;
                tracing::error!(%attempt, error = chain(&error), "an escrowed answer could not be settled");
                Err(Unsettleable {
                    attempt,
                    received_at: record.received_at,
                    bytes: record.body.as_bytes().len(),
                })
            }
        }
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
        let keys = self.keys_when_reachable(&attempt.key.tenant, record.body.key_id()).await?;
        let owner = EscrowRecord::owner(attempt, record.status, record.received_at);
        let response = RawResponse {
            status: record.status,
            retry_after: None,
            body: keys.open(&record.body, EscrowRecord::place(&attempt.key.tenant, &owner))?,
            received_at: record.received_at,
        };
        match read_answer(provider.as_ref(), &response, Some(record.clone())) {
            Answer::Tokens(mut tokens) => {
                let Some(outcome) = self.adopt_replayed(attempt, &mut tokens, &keys).await? else {
                    return Ok(false);
                };
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

    async fn keys_when_reachable(
        &self,
        tenant: &TenantId,
        sealed_under: Option<DekId>,
    ) -> Result<Arc<TenantKeys>, BrokerError> {
        loop {
            match self.keys.opening(tenant, sealed_under).await {
                Err(BrokerError::BackendUnavailable(_)) => {
                    self.clock.sleep_until(self.clock.now() + self.timing.tick).await;
                }
                settled => return settled,
            }
        }
    }

    /// `None`: there is nothing left that it could be adopted for.
    async fn adopt_replayed(
        &self,
        attempt: &Attempt,
        tokens: &mut TokenResponse,
        keys: &TenantKeys,
    ) -> Result<Option<AdoptOutcome>, BrokerError> {
        match attempt.kind {
            AttemptKind::Refresh => {
                let held = self.persist(|| self.grants.vendable(&attempt.key)).await?;
                let Some(held) = held else { return Ok(None) };
                let profile = self.provider(&attempt.key.provider)?.profile();
                let window = self.window(attempt, profile).await?;
                let standing = Standing::of_grant(&held.grant, window);
                self.adopt(attempt, tokens, &standing, profile, keys).await.map(Some)
            }
            AttemptKind::CodeExchange(id) => {
                let tenant = &attempt.key.tenant;
                let found = self.persist(|| self.consents.authorization(tenant, id)).await?;
                let Some(authorization) = found else { return Ok(None) };
                self.begin_replayed(&authorization, attempt, tokens, keys).await
            }
        }
    }

    /// How long grants of the attempt's registration live.
    async fn window(&self, attempt: &Attempt, profile: &ProviderProfile) -> Result<GrantWindow, BrokerError> {
        let key = &attempt.key;
        let registration = self
            .persist(|| self.tenants.registration(&key.tenant, &key.provider, &attempt.registration))
            .await?;
        Ok(registration.map_or_else(|| GrantWindow::of(profile), |found| found.window(profile)))
    }

    /// An import that was answered without a refresh token goes on with the one imported, which only its caller has. It
    /// was not replaced, so that importing it again harms nothing.
    async fn begin_replayed(
        &self,
        authorization: &Authorization,
        attempt: &Attempt,
        tokens: &mut TokenResponse,
        keys: &TenantKeys,
    ) -> Result<Option<AdoptOutcome>, BrokerError> {
        if authorization.import.is_some() && tokens.refresh_token.is_none() {
            self.close_exchange(attempt, "interrupted").await?;
            return Ok(None);
        }
        let window = self.window(attempt, self.provider(&attempt.key.provider)?.profile()).await?;
        self.begin_lineage(authorization, attempt, tokens, window, keys).await.map(Some)
    }

    /// Whether the record's answer can be read now, and was adopted.
    pub(super) async fn reread(&self, record: EscrowRecord) -> bool {
        self.in_time(self.replay_record(&record)).await.unwrap_or_else(|error| {
            let attempt = record.attempt.id;
            tracing::warn!(%attempt, error = chain(&error), "an unread answer could not be looked at");
            false
        })
    }
}
