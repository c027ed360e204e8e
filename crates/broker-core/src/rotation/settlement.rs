//! What an answer makes of a grant: adopted, or closed with what the failure leaves behind.

use std::sync::Arc;

use broker_crypto::{Place, TenantKeys};

use super::adoption::Standing;
use super::conclusion::conclude;
use super::{Answer, Rotated};
use crate::ports::{AdoptOutcome, AttemptEnd, ClaimedRefresh, GrantAfter, ProviderClient};
use crate::{Attempt, Broker, BrokerError, FailureKind, Grant, ProviderFailure, RotationMode, TokenResponse};

impl Broker {
    pub(super) async fn settle_refresh(
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

    /// The grant is undecided and was asked for before its time: as if it had not been claimed.
    pub(super) async fn close_too_early(&self, claimed: &ClaimedRefresh) -> Result<(), BrokerError> {
        self.close_refresh(&claimed.attempt, "too_early", as_it_was(&claimed.before)).await
    }

    pub(super) async fn close_unsent(&self, claimed: &ClaimedRefresh) -> Result<(), BrokerError> {
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
