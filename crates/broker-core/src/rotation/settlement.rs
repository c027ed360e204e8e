//! What an answer makes of a grant: adopted, or closed with what the failure leaves behind.

use broker_crypto::{Place, TenantKeys};

use super::adoption::Standing;
use super::conclusion::conclude;
use super::{Answer, NotSent, Rotated};
use crate::ports::{AdoptOutcome, AttemptEnd, ClaimedRefresh, GrantAfter, ProviderClient};
use crate::{Attempt, AttemptPhase, Broker, BrokerError, FailureKind, Grant, ProviderFailure, TokenResponse};

impl Broker {
    pub(super) async fn settle_refresh(
        &self,
        claimed: &ClaimedRefresh,
        answer: Answer,
        provider: &dyn ProviderClient,
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
            Answer::Failed(failure) => self.settle_failure(attempt, before, &failure, provider).await,
            Answer::NotSent(NotSent::Overtaken) => {
                self.close_refresh(attempt, "overtaken", as_it_was(before)).await?;
                Ok(Rotated::Unchanged)
            }
            Answer::NotSent(NotSent::Store(error)) => {
                self.close_refresh(attempt, "unsent", as_it_was(before)).await?;
                Err(error.into())
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
        let phase = after.phase.as_str();
        if self.close_refresh(attempt, failure.kind.as_str(), after).await? {
            tracing::warn!(
                attempt = %attempt.id, grant = %attempt.grant_id(), tenant = %attempt.key.tenant,
                provider = %attempt.key.provider, generation = attempt.generation.get(),
                failure = failure.kind.as_str(), oauth_error = failure.oauth_error,
                http_status = failure.http_status, phase, "refresh failed"
            );
        }
        Ok(Rotated::Refused)
    }

    /// The request could not be made. That a backend was away is nothing of the grant; anything else is kept with it,
    /// so that it is tried ever more rarely.
    pub(super) async fn settle_unmade(
        &self,
        claimed: &ClaimedRefresh,
        error: BrokerError,
        provider: &dyn ProviderClient,
    ) -> Result<Rotated, BrokerError> {
        if let BrokerError::BackendUnavailable(_) = error {
            self.close_refresh(&claimed.attempt, "unsent", as_it_was(&claimed.before)).await?;
        } else {
            let failure = ProviderFailure::of(FailureKind::Internal);
            self.settle_failure(&claimed.attempt, &claimed.before, &failure, provider).await?;
        }
        Err(error)
    }

    /// An attempt of this very run is open, and no flight of the grant but the asking one is under way: its task ended
    /// abnormally. Unsent it is given back. Sent it is left for the next start, which finds its answer in escrow.
    pub(super) async fn settle_own_leftover(&self, open: &Attempt) -> Result<Rotated, BrokerError> {
        if open.owner != self.incarnation {
            tracing::warn!(
                attempt = %open.id, grant = %open.grant_id(),
                "a grant waits for an earlier run's attempt whose answer could not be settled; see the log of the start"
            );
            return Ok(Rotated::StillRunning);
        }
        match open.phase {
            AttemptPhase::Claimed => self.release(open).await?,
            AttemptPhase::Closed => {}
            AttemptPhase::Sent => {
                tracing::error!(attempt = %open.id, "an attempt was sent and never settled; a restart settles it");
            }
        }
        Ok(Rotated::StillRunning)
    }

    /// Whether the attempt was still open.
    async fn close_refresh(
        &self,
        attempt: &Attempt,
        conclusion: &'static str,
        after: GrantAfter,
    ) -> Result<bool, BrokerError> {
        let end = AttemptEnd {
            attempt: attempt.clone(),
            conclusion,
            grant: Some(after),
            authorization_failure: None,
            at: self.clock.now(),
        };
        self.close(&end).await
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

/// What a claim found, for an attempt that changed nothing.
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
        AdoptOutcome::AlreadyAdopted(_) => return Rotated::Adopted,
        AdoptOutcome::Moved(_) | AdoptOutcome::Superseded => ("superseded", 0, Rotated::Unchanged),
    };
    tracing::info!(
        attempt = %attempt.id, grant = %attempt.grant_id(), tenant = %attempt.key.tenant,
        provider = %attempt.key.provider, generation, "rotation {what}"
    );
    rotated
}
