//! Completing an authorization: the callback is checked against what was started, once.

use std::sync::Arc;

use super::callback::{Callback, CallbackAnswer};
use crate::{
    Authorization, AuthorizationId, AuthorizationProblem, AuthorizationStatus, Broker, BrokerError, Grant,
    TenantId, Timestamp, UserId,
};

/// Hands over the callback a product's own redirect URI received.
pub struct CompleteRequest {
    /// The tenant.
    pub tenant: TenantId,
    /// The user who is signed in at the product.
    pub user: UserId,
    /// The full URL of the callback. It holds a code: never log it.
    pub callback_url: String,
}

impl Broker {
    /// Exchanges the code for the user it was meant for, and adopts what comes back.
    ///
    /// The state is used up by the first call that passes every check; a second finds it used.
    pub async fn complete_authorization(
        self: &Arc<Self>,
        request: &CompleteRequest,
    ) -> Result<Grant, BrokerError> {
        let callback = Callback::parse(&request.callback_url)
            .map_err(|violation| BrokerError::InvalidRequest(vec![violation]))?;
        let now = self.clock.now();
        let authorization = self
            .consents
            .authorization_by_state(&request.tenant, &callback.state.digest())
            .await?
            .ok_or(BrokerError::AuthorizationInvalid(AuthorizationProblem::UnknownState))?;
        check(&authorization, &callback, &request.user, now).map_err(BrokerError::AuthorizationInvalid)?;
        match callback.answer {
            CallbackAnswer::Code(code) => self.exchange(authorization, code).await,
            CallbackAnswer::Error(error) => {
                self.consents.deny_authorization(&request.tenant, authorization.id, now).await?;
                let denied = error == "access_denied";
                let problem =
                    if denied { AuthorizationProblem::Denied } else { AuthorizationProblem::ProviderError };
                Err(BrokerError::AuthorizationInvalid(problem))
            }
        }
    }

    /// The authorization of that id, and how it stands now.
    pub async fn authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
    ) -> Result<Authorization, BrokerError> {
        self.consents.authorization(tenant, id).await?.ok_or(BrokerError::AuthorizationNotFound)
    }

    /// Whether an authorization that is still pending can be completed no more.
    pub fn is_late(&self, authorization: &Authorization) -> bool {
        authorization.status == AuthorizationStatus::Pending && self.clock.now() >= authorization.expires_at
    }
}

/// Nothing of a wrong callback uses the state up: whoever it was meant for can still complete it.
fn check(
    authorization: &Authorization,
    callback: &Callback,
    user: &UserId,
    now: Timestamp,
) -> Result<(), AuthorizationProblem> {
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
