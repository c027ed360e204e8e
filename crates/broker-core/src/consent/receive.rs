//! The broker's own callback page: what the browser brings is kept for the product to complete.

use broker_crypto::{CompletionCode, KeyPurpose};

use super::callback::{CallbackAnswer, CallbackParameters};
use super::complete::{check_issuer, refusal};
use crate::ports::CodeToKeep;
use crate::{
    Actor, Authorization, AuthorizationId, AuthorizationProblem, AuthorizationStatus, Broker, BrokerError,
    FieldViolation, KeptCode, TenantId, Timestamp,
};

/// How long a state is: 256 bits in base64url. Nothing else is looked up.
const STATE_LENGTH: usize = 43;

/// A callback that was accepted.
#[derive(Debug)]
pub struct ReceivedCallback {
    /// The tenant whose user came back.
    pub tenant: TenantId,
    /// The authorization it belongs to.
    pub authorization: AuthorizationId,
    /// Where to send the browser; `None` to show a page.
    pub return_to: Option<String>,
    /// What the provider said.
    pub answer: ReceivedAnswer,
}

/// What the provider said.
#[derive(Debug)]
pub enum ReceivedAnswer {
    /// A code. It is kept; this stands for it.
    Code(CompletionCode),
    /// The user refused.
    Denied,
    /// Another error (RFC 6749 §4.1.2.1).
    Failed,
}

/// A callback that was not accepted.
#[derive(Debug)]
pub struct RefusedCallback {
    /// The tenant whose user came back: known where the state was found, and not before.
    pub tenant: Option<TenantId>,
    /// Why it was not accepted.
    pub error: BrokerError,
}

impl From<BrokerError> for RefusedCallback {
    fn from(error: BrokerError) -> Self {
        Self { tenant: None, error }
    }
}

impl RefusedCallback {
    /// What is told to be unknown is told of nobody.
    fn of(tenant: TenantId, error: BrokerError) -> Self {
        let is_unknown =
            matches!(error, BrokerError::AuthorizationInvalid(AuthorizationProblem::UnknownState));
        Self { tenant: (!is_unknown).then_some(tenant), error }
    }
}

impl Broker {
    /// Takes the query with which a browser came to the callback page of a provider (RFC 6749 §4.1.2).
    ///
    /// The browser names no tenant: the state does, once. Nothing is exchanged, because who sits at the browser is not
    /// known before the product says so ([`Broker::complete_hosted`]).
    pub async fn receive_callback(
        &self,
        provider: &str,
        query: &str,
        by: &Actor,
    ) -> Result<ReceivedCallback, RefusedCallback> {
        let parameters = CallbackParameters::read(query).map_err(malformed)?;
        let authorization = self.hosted_of(provider, &parameters).await?;
        let tenant = authorization.key.tenant.clone();
        let received = self.receive(authorization, parameters, by).await;
        received.map_err(|error| RefusedCallback::of(tenant, error))
    }

    async fn receive(
        &self,
        authorization: Authorization,
        parameters: CallbackParameters,
        by: &Actor,
    ) -> Result<ReceivedCallback, BrokerError> {
        let now = self.clock.now();
        self.check_received(&authorization, &parameters, now).map_err(BrokerError::AuthorizationInvalid)?;
        let answer = match parameters.answer {
            CallbackAnswer::Code(code) => self.keep_code(&authorization, &code, now, by).await?,
            CallbackAnswer::Error(error) => self.end_received(&authorization, &error, now, by).await?,
        };
        Ok(ReceivedCallback {
            return_to: authorization.hosted.and_then(|hosted| hosted.return_to),
            authorization: authorization.id,
            tenant: authorization.key.tenant,
            answer,
        })
    }

    /// A state of another provider, or of a callback that is the product's, is as unknown as any.
    async fn hosted_of(
        &self,
        provider: &str,
        parameters: &CallbackParameters,
    ) -> Result<Authorization, BrokerError> {
        let unknown = BrokerError::AuthorizationInvalid(AuthorizationProblem::UnknownState);
        if parameters.state.expose().len() != STATE_LENGTH {
            return Err(unknown);
        }
        let found = self.consents.authorization_of_browser(&parameters.state.digest()).await?;
        let ours = |found: &Authorization| found.hosted.is_some() && found.key.provider.as_str() == provider;
        found.filter(ours).ok_or(unknown)
    }

    /// Nothing of a wrong callback uses the state up, as where the product receives it.
    fn check_received(
        &self,
        authorization: &Authorization,
        parameters: &CallbackParameters,
        now: Timestamp,
    ) -> Result<(), AuthorizationProblem> {
        if authorization.status != AuthorizationStatus::Pending {
            return Err(AuthorizationProblem::AlreadyUsed);
        }
        if now >= authorization.expires_at {
            return Err(AuthorizationProblem::Expired);
        }
        // Of a provider that is configured no more nothing can be said.
        let provider = self.provider(&authorization.key.provider);
        let provider = provider.map_err(|_| AuthorizationProblem::UnknownState)?;
        check_issuer(provider.profile(), parameters)
    }

    async fn keep_code(
        &self,
        authorization: &Authorization,
        code: &broker_crypto::AuthorizationCode,
        now: Timestamp,
        by: &Actor,
    ) -> Result<ReceivedAnswer, BrokerError> {
        let tenant = &authorization.key.tenant;
        let keys = self.keys.of(tenant).await?;
        let right = self.keys.right_to_new(tenant, &keys, KeyPurpose::Rotation).await?;
        let owner = authorization.id.to_string();
        let sealed = right.seal(code, authorization.place(&owner), self.entropy.as_ref())?;
        let completion = CompletionCode::generate(self.entropy.as_ref());
        let kept = CodeToKeep {
            tenant: tenant.clone(),
            authorization: authorization.id,
            code: KeptCode { code: sealed, completion_digest: completion.digest() },
            at: now,
        };
        let record = authorization.record(by, now).resource(format!("{} answered", authorization.resource()));
        match self.consents.keep_code(&kept, &record).await? {
            true => Ok(ReceivedAnswer::Code(completion)),
            false => Err(BrokerError::AuthorizationInvalid(AuthorizationProblem::AlreadyUsed)),
        }
    }

    async fn end_received(
        &self,
        authorization: &Authorization,
        error: &str,
        now: Timestamp,
        by: &Actor,
    ) -> Result<ReceivedAnswer, BrokerError> {
        let (status, _) = refusal(error);
        let answer = match status {
            AuthorizationStatus::Denied => ReceivedAnswer::Denied,
            _ => ReceivedAnswer::Failed,
        };
        match self.end(authorization, status, now, by).await? {
            true => Ok(answer),
            false => Err(BrokerError::AuthorizationInvalid(AuthorizationProblem::AlreadyUsed)),
        }
    }
}

fn malformed(problem: String) -> BrokerError {
    BrokerError::InvalidRequest(vec![FieldViolation::new("query", problem)])
}
