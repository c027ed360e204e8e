//! Completing an authorization: the callback is checked against what was started, once.

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::CallbackUrl;

use super::brought::Brought;
use super::callback::{Callback, CallbackAnswer, CallbackParameters};
use crate::{
    Actor, Authorization, AuthorizationId, AuthorizationProblem, AuthorizationStatus, Broker, BrokerError,
    FailureKind, Grant, Permit, ProviderProfile, TenantId, Timestamp, UserId,
};

/// Hands over the callback a product's own redirect URI received.
pub struct CompleteRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The user who is signed in at the product.
    pub user: UserId,
    /// The full URL of the callback.
    pub callback_url: CallbackUrl,
    /// How long the caller waits; `None` for the default.
    pub wait: Option<Duration>,
    /// Leave of the caller to complete it. Where it was started is found out here.
    pub permit: Permit,
}

impl Broker {
    /// Exchanges the code for the user it was meant for, and adopts what comes back.
    ///
    /// The state is used up by the first call that passes every check; a second finds it used.
    pub async fn complete_authorization(
        self: &Arc<Self>,
        request: &CompleteRequest,
        by: &Actor,
    ) -> Result<Grant, BrokerError> {
        let callback = Callback::parse(request.callback_url.expose())
            .map_err(|violation| BrokerError::InvalidRequest(vec![violation]))?;
        let now = self.clock.now();
        let authorization = self
            .consents
            .authorization_by_state(&request.tenant, &callback.parameters.state.digest())
            .await?
            .ok_or(BrokerError::AuthorizationInvalid(AuthorizationProblem::UnknownState))?;
        check_permit(&request.permit, &authorization)?;
        check(&authorization, &callback, &request.user, now).map_err(BrokerError::AuthorizationInvalid)?;
        let profile = self.provider(&authorization.key.provider)?.profile();
        check_issuer(profile, &callback.parameters).map_err(BrokerError::AuthorizationInvalid)?;
        match callback.parameters.answer {
            CallbackAnswer::Code(code) => {
                self.exchange(authorization, Brought::Code(code), request.wait, by).await
            }
            CallbackAnswer::Error(error) => {
                let (status, problem) = refusal(&error);
                self.end(&authorization, status, now, by).await?;
                Err(BrokerError::AuthorizationInvalid(problem))
            }
        }
    }

    pub(super) async fn end(
        &self,
        authorization: &Authorization,
        status: AuthorizationStatus,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, BrokerError> {
        let how = if status == AuthorizationStatus::Denied { "denied" } else { "failed" };
        let resource = format!("{} {how}", authorization.resource());
        let record = authorization.record(by, at).resource(resource);
        let tenant = &authorization.key.tenant;
        Ok(self.consents.end_authorization(tenant, authorization.id, status, at, &record).await?)
    }

    /// The authorization of that id, and how it stands now. What the permit does not extend to looks absent.
    pub async fn authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
        permit: &Permit,
    ) -> Result<Authorization, BrokerError> {
        let found = self.consents.authorization(tenant, id).await?;
        let found = found.ok_or(BrokerError::AuthorizationNotFound)?;
        permit
            .extends_to(&found.key)
            .map_err(|error| error.unless_denied(BrokerError::AuthorizationNotFound))?;
        Ok(found)
    }

    /// Whether an authorization that is not settled can be completed no more.
    pub fn is_late(&self, authorization: &Authorization) -> bool {
        let unsettled = [AuthorizationStatus::Pending, AuthorizationStatus::AwaitingCompletion];
        unsettled.contains(&authorization.status) && self.clock.now() >= authorization.expires_at
    }
}

/// Only `access_denied` is the user's word; anything else is the provider's (RFC 6749 §4.1.2.1).
pub(super) fn refusal(error: &str) -> (AuthorizationStatus, AuthorizationProblem) {
    match error {
        "access_denied" => (AuthorizationStatus::Denied, AuthorizationProblem::Denied),
        _ => {
            let failed = AuthorizationStatus::Failed(FailureKind::Refused.as_str().to_owned());
            (failed, AuthorizationProblem::ProviderError)
        }
    }
}

/// An authorization at a provider where the caller may do nothing looks absent.
fn check_permit(permit: &Permit, authorization: &Authorization) -> Result<(), BrokerError> {
    let absent = BrokerError::AuthorizationInvalid(AuthorizationProblem::UnknownState);
    permit.extends_to(&authorization.key).map_err(|error| error.unless_denied(absent))
}

/// A callback that may be another provider's is not this one's answer (RFC 9207 §2.4).
pub(super) fn check_issuer(
    profile: &ProviderProfile,
    parameters: &CallbackParameters,
) -> Result<(), AuthorizationProblem> {
    match profile.sends(parameters.issuer.as_deref()) {
        true => Ok(()),
        false => Err(AuthorizationProblem::WrongIssuer),
    }
}

/// Nothing of a wrong callback uses the state up: whoever it was meant for can still complete it.
fn check(
    authorization: &Authorization,
    callback: &Callback,
    user: &UserId,
    now: Timestamp,
) -> Result<(), AuthorizationProblem> {
    if authorization.hosted.is_some() {
        return Err(AuthorizationProblem::WrongReceiver);
    }
    if authorization.status != AuthorizationStatus::Pending {
        return Err(AuthorizationProblem::AlreadyUsed);
    }
    if now >= authorization.expires_at {
        return Err(AuthorizationProblem::Expired);
    }
    if authorization.key.user != *user {
        return Err(AuthorizationProblem::WrongUser);
    }
    match callback.came_to(&authorization.redirect_uri) {
        true => Ok(()),
        false => Err(AuthorizationProblem::WrongRedirectUri),
    }
}
