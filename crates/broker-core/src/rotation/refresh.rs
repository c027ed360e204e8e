//! One refresh function, two callers: the vend that found a token too old, and the scheduler.

use std::sync::Arc;

use broker_crypto::{Place, TenantKeys};

use super::{Flight, Rotated};
use crate::error::chain;
use crate::ports::{
    ClaimOutcome, ClaimedRefresh, Lease, LeaseOutcome, Presentation, RefreshClaim, TokenRequest,
};
use crate::{AttemptId, Broker, BrokerError, Generation, GrantKey};

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
            tracing::error!(grant = %key.grant_id(), error = chain(&error), "a rotation failed");
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
            ClaimOutcome::Busy(open) => return self.settle_own_leftover(&open).await,
            ClaimOutcome::Undecided(_) => return Ok(Rotated::Refused),
            ClaimOutcome::Newer(_) | ClaimOutcome::NotRefreshable | ClaimOutcome::Absent => {
                return Ok(Rotated::Unchanged);
            }
        };
        match self.refresh_request(&claimed, &keys).await {
            Ok(request) => {
                let answer = self.present(&claimed.attempt, provider, request, &keys).await;
                self.settle_refresh(&claimed, answer, provider.as_ref(), &keys).await
            }
            Err(error) => self.settle_unmade(&claimed, error, provider.as_ref()).await,
        }
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
}
