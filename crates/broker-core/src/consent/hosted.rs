//! Completing an authorization whose callback came to the broker's own page.

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::CompletionCode;

use super::brought::Brought;
use crate::{
    Actor, Authorization, AuthorizationId, AuthorizationProblem, AuthorizationStatus, Broker, BrokerError,
    Grant, KeptCode, Permit, TenantId, Timestamp, UserId,
};

/// Hands over what the callback page gave to the browser.
#[derive(Debug)]
pub struct HostedCompletion {
    /// The tenant.
    pub tenant: TenantId,
    /// The user who is signed in at the product.
    pub user: UserId,
    /// The authorization.
    pub authorization: AuthorizationId,
    /// The one-time code that stands for the provider's.
    pub completion_code: CompletionCode,
    /// How long the caller waits; `None` for the default.
    pub wait: Option<Duration>,
    /// Leave of the caller to complete it.
    pub permit: Permit,
}

impl Broker {
    /// Exchanges the code that the callback page kept for the user it was meant for, and adopts what comes back.
    ///
    /// The completion code is used up by the first call that passes every check; a wrong one uses nothing up.
    pub async fn complete_hosted(
        self: &Arc<Self>,
        request: &HostedCompletion,
        by: &Actor,
    ) -> Result<Grant, BrokerError> {
        let found = self.authorization(&request.tenant, request.authorization, &request.permit).await?;
        let kept = check(&found, request, self.clock.now()).map_err(BrokerError::AuthorizationInvalid)?;
        let owner = found.id.to_string();
        let keys = self.keys.opening(&found.key.tenant, kept.code.key_id()).await?;
        let code = keys.open(&kept.code, found.place(&owner))?;
        self.exchange(found, Brought::Code(code), request.wait, by).await
    }
}

fn check<'a>(
    authorization: &'a Authorization,
    request: &HostedCompletion,
    now: Timestamp,
) -> Result<&'a KeptCode, AuthorizationProblem> {
    let hosted = authorization.hosted.as_ref().ok_or(AuthorizationProblem::WrongReceiver)?;
    match authorization.status {
        AuthorizationStatus::Pending | AuthorizationStatus::AwaitingCompletion => {}
        _ => return Err(AuthorizationProblem::AlreadyUsed),
    }
    if now >= authorization.expires_at {
        return Err(AuthorizationProblem::Expired);
    }
    let kept = hosted.answer.as_ref().ok_or(AuthorizationProblem::NotAnswered)?;
    if !request.completion_code.has_digest(&kept.completion_digest) {
        return Err(AuthorizationProblem::WrongCompletionCode);
    }
    match authorization.key.user == request.user {
        true => Ok(kept),
        false => Err(AuthorizationProblem::WrongUser),
    }
}
