//! An import that is asked for once more, by the id of its request.

use super::import::import_error;
use crate::authorization::{ACCOUNT_CHANGED, DUPLICATE_TOKEN};
use crate::{
    Authorization, AuthorizationId, AuthorizationProblem, AuthorizationStatus, Broker, BrokerError,
    FailureKind, Grant, GrantKey, Timestamp,
};

/// What the request has come to before.
pub(super) enum Repeated {
    /// It made this grant.
    Made(Box<Grant>),
    /// Its token was not presented, or not looked at.
    Waits(Box<Authorization>),
    /// It failed for a reason that may be over.
    MayBeginAnew,
}

impl Broker {
    /// What became of an import. Fails as that did where it failed for good.
    pub(super) async fn repeated_import(
        &self,
        key: &GrantKey,
        before: AuthorizationId,
    ) -> Result<Repeated, BrokerError> {
        let found = self.consents.authorization(&key.tenant, before).await?;
        let Some(authorization) = found else { return Ok(Repeated::MayBeginAnew) };
        let name = match &authorization.status {
            // No import awaits a completion: it has no callback.
            AuthorizationStatus::Pending | AuthorizationStatus::AwaitingCompletion => {
                return Ok(Repeated::Waits(Box::new(authorization)));
            }
            AuthorizationStatus::Completed => return self.made(key).await,
            AuthorizationStatus::Exchanging => {
                return Err(BrokerError::RefreshInProgress(self.timing.retry_base));
            }
            AuthorizationStatus::Denied => FailureKind::Refused.as_str(),
            AuthorizationStatus::Failed(name) => name,
        };
        match lasting_failure(name) {
            Some(problem) => Err(import_error(BrokerError::AuthorizationInvalid(problem))),
            None => self.once_more(authorization.created_at, name),
        }
    }

    async fn made(&self, key: &GrantKey) -> Result<Repeated, BrokerError> {
        let held = self.grants.vendable(key).await?.ok_or(BrokerError::GrantNotFound)?;
        Ok(Repeated::Made(Box::new(held.grant)))
    }

    /// After a lost answer the first request may still be executed, and showing the token twice could end the grant.
    fn once_more(&self, began: Timestamp, name: &str) -> Result<Repeated, BrokerError> {
        let clear_at = began + self.timing.attempt_budget + self.timing.orphan_wait;
        let now = self.clock.now();
        match name == FailureKind::Uncertain.as_str() && now < clear_at {
            true => Err(BrokerError::ProviderUnavailable(clear_at.since(now))),
            false => Ok(Repeated::MayBeginAnew),
        }
    }
}

fn lasting_failure(name: &str) -> Option<AuthorizationProblem> {
    match name {
        ACCOUNT_CHANGED => Some(AuthorizationProblem::AccountChanged),
        DUPLICATE_TOKEN => Some(AuthorizationProblem::DuplicateToken),
        "revoked" => Some(AuthorizationProblem::Revoked),
        "superseded" => Some(AuthorizationProblem::Superseded),
        _ if name == FailureKind::DeadToken.as_str() => Some(AuthorizationProblem::CodeRefused),
        _ => None,
    }
}
