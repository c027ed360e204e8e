//! Showing one token set to the revocation endpoint: the refresh token first (RFC 7009 §2.1).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use broker_crypto::Place;

use super::RevocationOutcome;
use super::verdict::{Verdict, judge};
use crate::error::chain;
use crate::ports::{
    CallError, PendingRevocation, ProviderClient, RevocationAnswer, RevocationRequest, RevocationStore,
    RevokedToken, SendGate, SendRefused,
};
use crate::{
    Broker, BrokerError, ClientRegistration, FailureKind, Gate, Generation, LastFailure, ProviderFailure,
    RevocationId, RevokedTokens, TenantId, Timestamp,
};

/// A provider that is not configured is not called; its revocations wait until it is again.
const UNKNOWN_PROVIDER_WAIT: Duration = Duration::from_secs(3600);

/// How one try came out.
enum Tried {
    Done(RevocationOutcome),
    Failed(ProviderFailure),
    /// It was not tried; look again then.
    NotBefore(Timestamp),
}

impl Broker {
    /// One try, and what follows from it.
    pub(super) async fn revoke_upstream(&self, revocation: &PendingRevocation) -> Result<(), BrokerError> {
        let tried = match self.try_upstream(revocation).await {
            Ok(tried) => tried,
            Err(error @ BrokerError::BackendUnavailable(_)) => return Err(error),
            Err(error) => {
                tracing::error!(revocation = %revocation.id, error = chain(&error), "a revocation cannot be made");
                Tried::Failed(ProviderFailure::of(FailureKind::Internal))
            }
        };
        match tried {
            Tried::Done(outcome) => self.end_revocation(revocation, outcome).await,
            Tried::NotBefore(until) => Ok(self.revocations.put_off(revocation, None, until).await?),
            Tried::Failed(failure) => self.settle_failed_revocation(revocation, &failure).await,
        }
    }

    async fn try_upstream(&self, revocation: &PendingRevocation) -> Result<Tried, BrokerError> {
        let (key, now) = (&revocation.key, self.clock.now());
        let Ok(provider) = self.provider(&key.provider) else {
            return Ok(Tried::NotBefore(now + UNKNOWN_PROVIDER_WAIT));
        };
        let Some(shown) = provider.profile().revocation else {
            return Ok(Tried::Done(RevocationOutcome::NotSupported));
        };
        let tokens = self.open_tokens(revocation, shown).await?;
        let registration = self.tenants.registration(&key.tenant, &key.provider, &revocation.registration);
        let registration = registration.await?.ok_or(BrokerError::NoClientRegistration)?;
        if let Gate::ClosedUntil(until) = self.gates.admit(key, &revocation.registration, now) {
            return Ok(Tried::NotBefore(until));
        }
        let tried = self.show_all(revocation, provider, &registration, tokens).await;
        self.gates.ended(&key.provider, self.clock.now());
        tried
    }

    /// Stops at the first failure; what was revoked before is shown again with the next try, which harms nothing.
    async fn show_all(
        &self,
        revocation: &PendingRevocation,
        provider: &Arc<dyn ProviderClient>,
        registration: &ClientRegistration,
        tokens: Vec<RevokedToken>,
    ) -> Result<Tried, BrokerError> {
        let key = &revocation.key;
        let mut outcome = RevocationOutcome::Refused;
        for token in tokens {
            if self.budget.take(&key.provider, 1).await == 0 {
                return Ok(Tried::NotBefore(self.clock.now() + self.timing.tick));
            }
            let request = RevocationRequest { client: self.credentials(registration).await?, token };
            let Some(answer) = self.show(revocation, provider, request).await else {
                return Ok(Tried::NotBefore(self.clock.now() + self.timing.lease_ttl));
            };
            let failure = match &answer {
                RevocationAnswer::Failed(failure) => Some(failure),
                RevocationAnswer::Revoked | RevocationAnswer::Unsupported => None,
            };
            self.gates.heard(key, &revocation.registration, failure, self.clock.now(), self.draw());
            match answer {
                RevocationAnswer::Revoked => outcome = RevocationOutcome::Revoked,
                RevocationAnswer::Unsupported => {}
                RevocationAnswer::Failed(failure) => return Ok(Tried::Failed(failure)),
            }
        }
        Ok(Tried::Done(outcome))
    }

    /// Shows one token; `None` if it must not be shown any more.
    async fn show(
        &self,
        revocation: &PendingRevocation,
        provider: &Arc<dyn ProviderClient>,
        request: RevocationRequest,
    ) -> Option<RevocationAnswer> {
        let gate = Arc::new(StillPending {
            revocations: self.revocations.clone(),
            tenant: revocation.key.tenant.clone(),
            id: revocation.id,
            overtaken: OnceLock::new(),
        });
        let call = self.within(Some(self.timing.attempt_budget), provider.revoke(request, gate.clone()));
        let failed = |kind| RevocationAnswer::Failed(ProviderFailure::of(kind));
        let answer = match call.await {
            Some(Ok(response)) => provider.interpret_revocation(&response),
            Some(Err(CallError::Unsent(reason))) => {
                tracing::info!(revocation = %revocation.id, reason, "nothing was sent to the provider");
                failed(FailureKind::Unreachable)
            }
            Some(Err(CallError::Lost(reason))) => {
                tracing::info!(revocation = %revocation.id, reason, "the provider's answer was lost");
                failed(FailureKind::Uncertain)
            }
            None => failed(FailureKind::Uncertain),
        };
        gate.overtaken.get().is_none().then_some(answer)
    }

    async fn end_revocation(
        &self,
        revocation: &PendingRevocation,
        outcome: RevocationOutcome,
    ) -> Result<(), BrokerError> {
        let grant_revoked = self.revocations.end_revocation(revocation, outcome, self.clock.now()).await?;
        self.cache.forget(&revocation.key);
        self.tally.count(&revocation.key.provider, tallied(outcome));
        let (key, outcome) = (&revocation.key, outcome.as_str());
        match outcome {
            "revoked" => tracing::info!(
                revocation = %revocation.id, grant = %key.grant_id(), tenant = %key.tenant,
                provider = %key.provider, grant_revoked, outcome, "tokens revoked at the provider and erased"
            ),
            _ => tracing::warn!(
                revocation = %revocation.id, grant = %key.grant_id(), tenant = %key.tenant,
                provider = %key.provider, grant_revoked, outcome,
                "tokens erased; at the provider they may live until they expire"
            ),
        }
        Ok(())
    }

    async fn settle_failed_revocation(
        &self,
        revocation: &PendingRevocation,
        failure: &ProviderFailure,
    ) -> Result<(), BrokerError> {
        let last = revocation.last_failure.as_ref();
        match judge(failure, last, self.clock.now(), self.draw(), &self.timing) {
            Verdict::GiveUp => self.end_revocation(revocation, RevocationOutcome::Refused).await,
            Verdict::TryAgain(failed, until) => {
                log_failed(revocation, &failed);
                Ok(self.revocations.put_off(revocation, Some(&failed), until).await?)
            }
        }
    }

    /// The refresh token, then the access token where the provider may let it live on, or where there is no other.
    async fn open_tokens(
        &self,
        revocation: &PendingRevocation,
        shown: RevokedTokens,
    ) -> Result<Vec<RevokedToken>, BrokerError> {
        let tenant = &revocation.key.tenant;
        let owner = revocation.key.grant_id().to_string();
        let place = |generation: Generation| Place {
            tenant: tenant.as_str(),
            owner: &owner,
            generation: generation.get(),
        };
        let mut tokens = Vec::new();
        if let Some((token, generation)) = &revocation.refresh_token {
            let keys = self.keys.opening(tenant, token.key_id()).await?;
            tokens.push(RevokedToken::Refresh(keys.open(token, place(*generation))?));
        }
        if tokens.is_empty() || shown == RevokedTokens::Both {
            let keys = self.keys.opening(tenant, revocation.access_token.key_id()).await?;
            let token = keys.open(&revocation.access_token, place(revocation.generation))?;
            // An import that was never redeemed has none.
            if !token.expose().is_empty() {
                tokens.push(RevokedToken::Access(token));
            }
        }
        Ok(tokens)
    }
}

fn tallied(outcome: RevocationOutcome) -> &'static str {
    match outcome {
        RevocationOutcome::Revoked => "revocation_done",
        RevocationOutcome::NotSupported => "revocation_not_supported",
        RevocationOutcome::Refused => "revocation_refused",
        RevocationOutcome::LetGo => "revocation_let_go",
    }
}

fn log_failed(revocation: &PendingRevocation, failed: &LastFailure) {
    let key = &revocation.key;
    tracing::warn!(
        revocation = %revocation.id, grant = %key.grant_id(), tenant = %key.tenant, provider = %key.provider,
        failure = failed.kind.as_str(), oauth_error = failed.oauth_error, http_status = failed.http_status,
        in_a_row = failed.in_a_row, "a revocation failed; it is tried again"
    );
}

/// Asked right before a token is shown: a new consent may have made that harmful since.
struct StillPending {
    revocations: Arc<dyn RevocationStore>,
    tenant: TenantId,
    id: RevocationId,
    overtaken: OnceLock<()>,
}

#[async_trait]
impl SendGate for StillPending {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        match self.revocations.is_pending(&self.tenant, self.id).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                // Set once: the gate of a body is asked once.
                let _ = self.overtaken.set(());
                Err(SendRefused)
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "a revocation was not sent: the store did not answer");
                Err(SendRefused)
            }
        }
    }
}
