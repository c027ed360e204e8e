//! One refresh function, two callers: the vend that found a token too old, and the scheduler.

use std::sync::Arc;

use broker_crypto::{Place, TenantKeys};

use super::adoption::Standing;
use super::conclusion::conclude;
use super::{Answer, Flight, Rotated};
use crate::ports::{
    AdoptOutcome, AttemptEnd, ClaimOutcome, ClaimedRefresh, GrantAfter, Lease, LeaseOutcome, Presentation,
    ProviderClient, RefreshClaim, TokenRequest,
};
use crate::{
    Attempt, AttemptId, Broker, BrokerError, FailureKind, Generation, Grant, GrantKey, ProviderFailure,
    RotationMode, TokenResponse,
};

impl Broker {
    /// Joins the rotation of this grant that is running, or starts one. It runs to its end whoever hangs up.
    pub(crate) fn start_rotation(self: &Arc<Self>, key: &GrantKey, generation: Generation) -> Flight {
        let (broker, key) = (Arc::clone(self), key.clone());
        self.flights.join_or_start(key.grant_id(), |landing| {
            self.tasks.spawn(async move {
                let rotated = broker.rotate(&key, generation).await;
                broker.cache.forget(&key);
                landing.land(rotated);
            });
        })
    }

    async fn rotate(self: &Arc<Self>, key: &GrantKey, generation: Generation) -> Rotated {
        let lease = match self.lease(key).await {
            Ok(lease) => lease,
            Err(held_elsewhere) => return held_elsewhere,
        };
        let rotated = self.rotate_leased(key, generation).await.unwrap_or_else(|error| {
            tracing::error!(grant = %key.grant_id(), %error, "a rotation failed");
            Rotated::Failed(error.into())
        });
        if let Some(lease) = lease
            && let Err(error) = self.leases.release(lease).await
        {
            tracing::warn!(%error, "a lease was not released; it will run out");
        }
        rotated
    }

    /// A lease only saves work: without an answer from its backend the store alone decides.
    async fn lease(&self, key: &GrantKey) -> Result<Option<Lease>, Rotated> {
        match self.leases.acquire(key.grant_id(), self.timing.lease_ttl).await {
            Ok(LeaseOutcome::Held(lease)) => Ok(Some(lease)),
            Ok(LeaseOutcome::Taken) => Err(Rotated::StillRunning),
            Err(error) => {
                tracing::warn!(%error, "rotating without a lease");
                Ok(None)
            }
        }
    }

    async fn rotate_leased(
        self: &Arc<Self>,
        key: &GrantKey,
        generation: Generation,
    ) -> Result<Rotated, BrokerError> {
        let provider = self.provider(&key.provider)?;
        let keys = self.keys.of(&key.tenant).await?;
        self.escrow.reserve().await.map_err(|error| BrokerError::BackendUnavailable(Box::new(error)))?;
        let claim = self.refresh_claim(key, generation);
        let outcome = self.grants.claim_refresh(&claim).await.inspect_err(|_| {
            self.give_back_lost_claim(key.tenant.clone(), claim.attempt);
        });
        let claimed = match outcome? {
            ClaimOutcome::Claimed(claimed) => *claimed,
            ClaimOutcome::Busy => return Ok(Rotated::StillRunning),
            ClaimOutcome::Newer(_) | ClaimOutcome::NotRefreshable | ClaimOutcome::Absent => {
                return Ok(Rotated::Unchanged);
            }
        };
        if claimed.before.undecided_until(claim.at).is_some() {
            self.close_refresh(&claimed.attempt, "too_early", as_it_was(&claimed.before)).await?;
            return Ok(Rotated::Refused);
        }
        let answer = match self.refresh_request(&claimed, &keys).await {
            Ok(request) => self.present(&claimed.attempt, provider, request, &keys).await,
            Err(error) => {
                self.close_unsent(&claimed).await?;
                return Err(error);
            }
        };
        self.settle_refresh(&claimed, answer, provider, &keys).await
    }

    fn refresh_claim(&self, key: &GrantKey, generation: Generation) -> RefreshClaim {
        let at = self.clock.now();
        RefreshClaim {
            key: key.clone(),
            generation,
            attempt: AttemptId::generate(at, self.entropy.as_ref()),
            owner: self.incarnation,
            at,
            hold_until: at + self.timing.lease_ttl,
        }
    }

    async fn refresh_request(
        &self,
        claimed: &ClaimedRefresh,
        keys: &TenantKeys,
    ) -> Result<TokenRequest, BrokerError> {
        let grant = &claimed.before;
        let registration = self
            .tenants
            .registration(&grant.key.tenant, &grant.key.provider, &grant.registration)
            .await?
            .ok_or(BrokerError::NoClientRegistration)?;
        let owner = grant.id.to_string();
        let place = Place {
            tenant: grant.key.tenant.as_str(),
            owner: &owner,
            generation: claimed.refresh_token_generation.get(),
        };
        Ok(TokenRequest {
            client: self.credentials(&registration, keys)?,
            presentation: Presentation::RefreshToken(keys.open(&claimed.refresh_token, place)?),
            scopes: grant.scopes.clone(),
        })
    }

    async fn settle_refresh(
        &self,
        claimed: &ClaimedRefresh,
        answer: Answer,
        provider: &Arc<dyn ProviderClient>,
        keys: &TenantKeys,
    ) -> Result<Rotated, BrokerError> {
        let (attempt, before) = (&claimed.attempt, &claimed.before);
        match answer {
            Answer::Tokens(tokens) => {
                let standing = Standing {
                    same_access_token: self.repeats_access_token(claimed, &tokens, keys),
                    ..Standing::of_grant(before)
                };
                let outcome = self.adopt(attempt, &tokens, &standing, provider.profile(), keys).await?;
                Ok(log_adoption(attempt, outcome))
            }
            Answer::Failed(failure) => {
                self.settle_failure(attempt, before, &failure, provider.as_ref()).await
            }
        }
    }

    /// Closes the attempt with what the failure makes of the grant.
    pub(super) async fn settle_failure(
        &self,
        attempt: &Attempt,
        before: &Grant,
        failure: &ProviderFailure,
        provider: &dyn ProviderClient,
    ) -> Result<Rotated, BrokerError> {
        let now = self.clock.now();
        let after = conclude(before, provider.profile().rotation, failure, now, &self.timing, self.draw());
        tracing::warn!(
            attempt = %attempt.id, grant = %attempt.grant_id(), tenant = %attempt.key.tenant,
            provider = %attempt.key.provider, generation = attempt.generation.get(),
            failure = failure.kind.as_str(), oauth_error = failure.oauth_error, http_status = failure.http_status,
            phase = after.phase.as_str(), "refresh failed"
        );
        let conclusion = failure.kind.as_str();
        self.close_refresh(attempt, conclusion, after).await?;
        Ok(Rotated::Refused)
    }

    async fn close_unsent(&self, claimed: &ClaimedRefresh) -> Result<(), BrokerError> {
        let failure = ProviderFailure::of(FailureKind::Unreachable);
        let mode = RotationMode::Reusable;
        let now = self.clock.now();
        let after = GrantAfter {
            failure: None,
            ..conclude(&claimed.before, mode, &failure, now, &self.timing, self.draw())
        };
        self.close_refresh(&claimed.attempt, "unsent", after).await
    }

    async fn close_refresh(
        &self,
        attempt: &Attempt,
        conclusion: &'static str,
        after: GrantAfter,
    ) -> Result<(), BrokerError> {
        let end = AttemptEnd {
            attempt: attempt.clone(),
            conclusion,
            grant: Some(after),
            authorization_failure: None,
            at: self.clock.now(),
        };
        self.close(&end).await.map(|_| ())
    }

    /// Rule 11: a provider may answer the access token it answered before; that is success.
    fn repeats_access_token(
        &self,
        claimed: &ClaimedRefresh,
        tokens: &TokenResponse,
        keys: &TenantKeys,
    ) -> bool {
        let owner = claimed.before.id.to_string();
        let generation = claimed.before.generation.get();
        let place = Place { tenant: claimed.before.key.tenant.as_str(), owner: &owner, generation };
        keys.open(&claimed.access_token, place)
            .is_ok_and(|held| held.expose() == tokens.access_token.expose())
    }
}

fn as_it_was(grant: &Grant) -> GrantAfter {
    GrantAfter {
        lifecycle: grant.lifecycle,
        phase: grant.phase,
        tainted: grant.tainted,
        due_at: grant.due_at,
        failure: None,
    }
}

pub(super) fn log_adoption(attempt: &Attempt, outcome: AdoptOutcome) -> Rotated {
    let (what, generation, rotated) = match outcome {
        AdoptOutcome::Adopted(generation) => ("adopted", generation.get(), Rotated::Adopted),
        AdoptOutcome::AlreadyAdopted(generation) => ("already adopted", generation.get(), Rotated::Adopted),
        AdoptOutcome::Moved(_) | AdoptOutcome::Superseded => ("superseded", 0, Rotated::Unchanged),
    };
    tracing::info!(
        attempt = %attempt.id, grant = %attempt.grant_id(), tenant = %attempt.key.tenant,
        provider = %attempt.key.provider, generation, "rotation {what}"
    );
    rotated
}
