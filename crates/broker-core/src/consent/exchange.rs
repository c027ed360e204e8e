//! The code exchange: an attempt like a refresh, on a lineage of its own.

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::{AuthorizationCode, Place, TenantKeys};
use tokio::sync::oneshot;

use crate::ports::{AdoptOutcome, ExchangeClaim, Presentation, TokenRequest};
use crate::rotation::{Answer, NotSent, Standing};
use crate::{
    Attempt, AttemptId, Authorization, AuthorizationProblem, Broker, BrokerError, FailureKind, Grant,
    ProviderFailure,
};

impl Broker {
    /// Runs to its end whoever hangs up: a code can be exchanged only once.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        authorization: Authorization,
        code: AuthorizationCode,
        wait: Option<Duration>,
    ) -> Result<Grant, BrokerError> {
        let (send, receive) = oneshot::channel();
        let broker = Arc::clone(self);
        self.tasks.spawn(async move {
            let result = broker.exchange_code(&authorization, code).await;
            broker.cache.forget(&authorization.key);
            // Fails only when the caller is gone, who then sees the grant by GetAuthorization.
            let _ = send.send(result);
        });
        match self.within(wait, receive).await {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(BrokerError::Internal("a code exchange ended abnormally".into())),
            None => Err(BrokerError::RefreshInProgress(self.timing.retry_base)),
        }
    }

    async fn exchange_code(
        self: &Arc<Self>,
        authorization: &Authorization,
        code: AuthorizationCode,
    ) -> Result<Grant, BrokerError> {
        let provider = self.provider(&authorization.key.provider)?;
        self.refuse_if_deleting(&authorization.key.tenant).await?;
        let keys = self.keys.of(&authorization.key.tenant).await?;
        let request = self.exchange_request(authorization, code, &keys).await?;
        self.escrow.reserve().await.map_err(|error| BrokerError::BackendUnavailable(Box::new(error)))?;
        let claim = self.exchange_claim(authorization);
        let claimed = self.grants.claim_exchange(&claim).await.inspect_err(|_| {
            self.give_back_lost_claim(claim.tenant.clone(), claim.attempt);
        });
        let used = BrokerError::AuthorizationInvalid(AuthorizationProblem::AlreadyUsed);
        let attempt = claimed?.ok_or(used)?;
        match self.present(&attempt, provider, request, None, Arc::default(), &keys).await.answer {
            Answer::Tokens(tokens) => {
                let standing = Standing::of_consent(authorization, &attempt);
                let outcome = self.adopt(&attempt, &tokens, &standing, provider.profile(), &keys).await?;
                self.new_grant(&attempt, outcome).await
            }
            Answer::NotSent(not_sent) => {
                self.close_exchange(&attempt, "unsent").await?;
                match not_sent {
                    NotSent::Store(error) => Err(error.into()),
                    NotSent::Unreachable => Err(BrokerError::ProviderUnavailable(self.timing.retry_base)),
                    NotSent::Overtaken | NotSent::GraceOver => {
                        Err(BrokerError::AuthorizationInvalid(AuthorizationProblem::AlreadyUsed))
                    }
                }
            }
            Answer::Failed(failure, _) => {
                tracing::warn!(
                    attempt = %attempt.id, tenant = %attempt.key.tenant, provider = %attempt.key.provider,
                    failure = failure.kind.as_str(), oauth_error = failure.oauth_error,
                    http_status = failure.http_status, "code exchange failed"
                );
                self.close_exchange(&attempt, failure.kind.as_str()).await?;
                Err(self.exchange_error(authorization, &failure))
            }
        }
    }

    fn exchange_claim(&self, authorization: &Authorization) -> ExchangeClaim {
        let at = self.clock.now();
        ExchangeClaim {
            tenant: authorization.key.tenant.clone(),
            authorization: authorization.id,
            attempt: AttemptId::generate(at, self.entropy.as_ref()),
            owner: self.incarnation,
            at,
        }
    }

    async fn exchange_request(
        &self,
        authorization: &Authorization,
        code: AuthorizationCode,
        keys: &TenantKeys,
    ) -> Result<TokenRequest, BrokerError> {
        let key = &authorization.key;
        let registration = self
            .tenants
            .registration(&key.tenant, &key.provider, &authorization.registration)
            .await?
            .ok_or(BrokerError::NoClientRegistration)?;
        let owner = authorization.id.to_string();
        let place = Place { tenant: key.tenant.as_str(), owner: &owner, generation: 0 };
        Ok(TokenRequest {
            client: self.credentials(&registration, keys)?,
            presentation: Presentation::AuthorizationCode {
                code,
                redirect_uri: authorization.redirect_uri.clone(),
                verifier: keys.open(&authorization.verifier, place)?,
            },
            scopes: authorization.scopes.clone(),
        })
    }

    async fn new_grant(&self, attempt: &Attempt, outcome: AdoptOutcome) -> Result<Grant, BrokerError> {
        tracing::info!(
            attempt = %attempt.id, grant = %attempt.grant_id(), tenant = %attempt.key.tenant,
            provider = %attempt.key.provider, ?outcome, "code exchanged"
        );
        let overtaken = match outcome {
            AdoptOutcome::Superseded => Some(AuthorizationProblem::Superseded),
            AdoptOutcome::Revoking => Some(AuthorizationProblem::Revoked),
            AdoptOutcome::Adopted(_) | AdoptOutcome::AlreadyAdopted(_) | AdoptOutcome::Moved(_) => None,
        };
        if let Some(problem) = overtaken {
            return Err(BrokerError::AuthorizationInvalid(problem));
        }
        let held = self.grants.vendable(&attempt.key).await?;
        Ok(held.ok_or_else(|| BrokerError::Internal("an adopted grant has no row".into()))?.grant)
    }

    /// The code is spent whatever happened: the user has to start again.
    fn exchange_error(&self, authorization: &Authorization, failure: &ProviderFailure) -> BrokerError {
        match failure.kind {
            FailureKind::ClientRejected | FailureKind::UnlabelledRefusal => {
                BrokerError::ClientRegistrationRejected(authorization.registration.clone())
            }
            FailureKind::DeadToken | FailureKind::Refused => {
                BrokerError::AuthorizationInvalid(AuthorizationProblem::CodeRefused)
            }
            FailureKind::Internal => BrokerError::Internal("the code exchange could not be made".into()),
            FailureKind::Throttled | FailureKind::Unreachable | FailureKind::Uncertain => {
                BrokerError::ProviderUnavailable(failure.retry_after.unwrap_or(self.timing.retry_base))
            }
        }
    }
}
