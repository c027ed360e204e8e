//! The code exchange, and the redemption of an imported refresh token: an attempt like a refresh, on a lineage of its own.

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::{AuthorizationCode, Place, RefreshToken, TenantKeys};
use tokio::sync::oneshot;

use crate::ports::{AdoptOutcome, AttemptEnd, ExchangeClaim, ExchangeOutcome, Presentation, TokenRequest};
use crate::rotation::{Answer, NotSent, RefusedClient, Story, Trigger};
use crate::{
    Actor, Attempt, AttemptId, Authorization, AuthorizationProblem, Broker, BrokerError, ClientRegistration,
    FailureKind, Grant, ProviderFailure, RegistrationId,
};

use super::brought::Brought;

/// How one attempt to exchange a code ended.
enum Exchanged {
    /// With a grant.
    Grant(Box<Grant>),
    /// The authorization is used, or late.
    NotPending,
    /// The client secret was refused, and the authorization is pending for the next one.
    SecretRefused,
}

impl Broker {
    /// Runs to its end whoever hangs up: a code can be exchanged only once.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        authorization: Authorization,
        brought: Brought,
        wait: Option<Duration>,
        by: &Actor,
    ) -> Result<Grant, BrokerError> {
        let (send, receive) = oneshot::channel();
        let (broker, by) = (Arc::clone(self), by.clone());
        self.tasks.spawn(async move {
            let result = broker.exchange_brought(&authorization, brought, &by).await;
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

    /// Each client secret that is refused is followed by an attempt of its own with the next one, as at a refresh: the
    /// provider has not looked at the code (rule 9).
    async fn exchange_brought(
        self: &Arc<Self>,
        authorization: &Authorization,
        brought: Brought,
        by: &Actor,
    ) -> Result<Grant, BrokerError> {
        let _under_way = self.news.consenting().begin(authorization.key.grant_id());
        let mut used = BrokerError::AuthorizationInvalid(AuthorizationProblem::AlreadyUsed);
        loop {
            match self.exchange_once(authorization, &brought, by).await? {
                Exchanged::Grant(grant) => return Ok(*grant),
                Exchanged::NotPending => return Err(used),
                // Should the authorization end before the next secret is tried, this is what happened to the caller.
                Exchanged::SecretRefused => {
                    used = BrokerError::ClientRegistrationRejected(authorization.registration.clone());
                }
            }
        }
    }

    async fn exchange_once(
        self: &Arc<Self>,
        authorization: &Authorization,
        brought: &Brought,
        by: &Actor,
    ) -> Result<Exchanged, BrokerError> {
        let provider = self.provider(&authorization.key.provider)?;
        self.refuse_if_deleting(&authorization.key.tenant).await?;
        let keys = self.keys.of(&authorization.key.tenant).await?;
        let (request, registration) = self.exchange_request(authorization, brought).await?;
        self.escrow.reserve().await.map_err(|error| BrokerError::BackendUnavailable(Box::new(error)))?;
        let right = self.keys.right_to_answer(&authorization.key.tenant, &keys).await?;
        let claim = self.exchange_claim(authorization, by);
        let mut presenting = self.presenting.hold(claim.attempt, Story::begun_by(Trigger::Consent));
        let claimed = self.grants.claim_exchange(&claim).await.inspect_err(|_| {
            self.give_back_lost_claim(claim.tenant.clone(), claim.attempt);
        });
        let attempt = match claimed? {
            ExchangeOutcome::Claimed(attempt) => *attempt,
            ExchangeOutcome::NotPending => return Ok(Exchanged::NotPending),
            ExchangeOutcome::OverQuota(quota) => return Err(BrokerError::QuotaExceeded(quota)),
        };
        presenting.claimed(&claim.tenant);
        let (answer, _escrowed) = match brought.unredeemed() {
            Some(tokens) => (Answer::Tokens(tokens), None),
            None => {
                let presented = self.present(&attempt, provider, request, None, Arc::default(), right).await;
                (brought.completes(presented.answer), presented.escrowed)
            }
        };
        let exchanged = self.settle_exchange(authorization, &attempt, &registration, answer, &keys).await?;
        presenting.settled();
        Ok(exchanged)
    }

    async fn settle_exchange(
        &self,
        authorization: &Authorization,
        attempt: &Attempt,
        registration: &ClientRegistration,
        answer: Answer,
        keys: &TenantKeys,
    ) -> Result<Exchanged, BrokerError> {
        match answer {
            Answer::Tokens(mut tokens) => {
                let profile = self.provider(&attempt.key.provider)?.profile();
                let window = registration.window(profile);
                let outcome = self.begin_lineage(authorization, attempt, &mut tokens, window, keys).await?;
                if !tokens.access_token.expose().is_empty() {
                    self.note_secret_accepted(registration).await;
                }
                self.new_grant(attempt, outcome).await.map(|grant| Exchanged::Grant(Box::new(grant)))
            }
            Answer::NotSent(not_sent) => {
                self.close_exchange(attempt, "unsent").await?;
                match not_sent {
                    NotSent::Store(error) => Err(error.into()),
                    NotSent::Unreachable => Err(BrokerError::ProviderUnavailable(self.timing.retry_base)),
                    NotSent::Overtaken | NotSent::GraceOver => Ok(Exchanged::NotPending),
                }
            }
            Answer::Failed(failure, _) => {
                log_failure(attempt, &failure);
                self.settle_refused_exchange(attempt, registration, &failure).await
            }
        }
    }

    /// What the refusal makes of attempt, authorization and registration.
    async fn settle_refused_exchange(
        &self,
        attempt: &Attempt,
        registration: &ClientRegistration,
        failure: &ProviderFailure,
    ) -> Result<Exchanged, BrokerError> {
        let refused = self.refused_client(attempt, registration, failure).await?;
        let again = refused == Some(RefusedClient::TriesNextSecret);
        let kind = failure.kind.as_str();
        let end = AttemptEnd {
            conclusion: kind,
            authorization_failure: (!again).then_some(kind),
            reopens_authorization: again,
            pause_registration_until: refused.and_then(RefusedClient::rests_until),
            refused_secret: refused.and(registration.secret_to_try()).map(|secret| secret.id),
            ..AttemptEnd::without_grant(attempt, self.clock.now())
        };
        match self.close(&end).await? && again {
            true => Ok(Exchanged::SecretRefused),
            false => Err(self.exchange_error(&registration.id, failure)),
        }
    }

    /// Only a refusal that names the client is held against it: a bare one may as well be the code's.
    pub(super) async fn refused_client(
        &self,
        attempt: &Attempt,
        registration: &ClientRegistration,
        failure: &ProviderFailure,
    ) -> Result<Option<RefusedClient>, BrokerError> {
        if failure.kind != FailureKind::ClientRejected {
            return Ok(None);
        }
        let secret = registration.secret_to_try().map(|secret| secret.id);
        let another = self.has_another_secret(attempt, failure, secret).await?;
        Ok(Some(RefusedClient::of(another, self.clock.now(), &self.timing)))
    }

    fn exchange_claim(&self, authorization: &Authorization, by: &Actor) -> ExchangeClaim {
        let at = self.clock.now();
        ExchangeClaim {
            tenant: authorization.key.tenant.clone(),
            authorization: authorization.id,
            attempt: AttemptId::generate(at, self.entropy.as_ref()),
            owner: self.incarnation,
            at,
            record: authorization.record(by, at),
        }
    }

    async fn exchange_request(
        &self,
        authorization: &Authorization,
        brought: &Brought,
    ) -> Result<(TokenRequest, ClientRegistration), BrokerError> {
        let key = &authorization.key;
        let registration = self
            .tenants
            .registration(&key.tenant, &key.provider, &authorization.registration)
            .await?
            .ok_or(BrokerError::NoClientRegistration)?;
        let presentation = match brought {
            Brought::Code(code) => self.code_presentation(authorization, code).await?,
            Brought::RefreshToken(token) | Brought::UnredeemedToken(token) => {
                Presentation::RefreshToken(RefreshToken::new(token.expose()))
            }
        };
        let request = TokenRequest {
            client: self.credentials(&registration).await?,
            presentation,
            scopes: authorization.scopes.clone(),
        };
        Ok((request, registration))
    }

    async fn code_presentation(
        &self,
        authorization: &Authorization,
        code: &AuthorizationCode,
    ) -> Result<Presentation, BrokerError> {
        let tenant = &authorization.key.tenant;
        let owner = authorization.id.to_string();
        let place = Place { tenant: tenant.as_str(), owner: &owner, generation: 0 };
        let keys = self.keys.opening(tenant, authorization.verifier.key_id()).await?;
        Ok(Presentation::AuthorizationCode {
            code: AuthorizationCode::new(code.expose()),
            redirect_uri: authorization.redirect_uri.clone(),
            verifier: keys.open(&authorization.verifier, place)?,
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
            AdoptOutcome::AccountChanged => Some(AuthorizationProblem::AccountChanged),
            AdoptOutcome::DuplicateToken => Some(AuthorizationProblem::DuplicateToken),
            AdoptOutcome::Adopted(_) | AdoptOutcome::AlreadyAdopted(_) | AdoptOutcome::Moved(_) => None,
        };
        if let Some(problem) = overtaken {
            return Err(BrokerError::AuthorizationInvalid(problem));
        }
        let held = self.grants.vendable(&attempt.key).await?;
        Ok(held.ok_or_else(|| BrokerError::Internal("an adopted grant has no row".into()))?.grant)
    }

    /// The code is spent whatever happened: the user has to start again.
    fn exchange_error(&self, registration: &RegistrationId, failure: &ProviderFailure) -> BrokerError {
        match failure.kind {
            FailureKind::ClientRejected | FailureKind::UnlabelledRefusal => {
                BrokerError::ClientRegistrationRejected(registration.clone())
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

pub(super) fn log_failure(attempt: &Attempt, failure: &ProviderFailure) {
    tracing::warn!(
        attempt = %attempt.id, tenant = %attempt.key.tenant, provider = %attempt.key.provider,
        failure = failure.kind.as_str(), oauth_error = failure.oauth_error, http_status = failure.http_status,
        "code exchange failed"
    );
}
