//! Looking at one grant for a watcher: as a vend that waits for nothing.

use std::sync::Arc;
use std::time::Duration;

use super::super::{HeldGrant, VendRequest, Vended, Vendor};
use crate::ports::VendableGrant;
use crate::{BrokerError, Grant, GrantKey, Lifecycle, Permit, Timestamp};

/// How long a token should still be valid; with less, its refresh is begun.
const MIN_VALIDITY: Duration = Duration::from_secs(60);

/// A grant is looked at so often whatever happens: the look keeps it warm, and asks the policies again.
const QUIET: Duration = Duration::from_secs(600);

/// The same while a token is held back for a running refresh.
const HELD_BACK: Duration = Duration::from_secs(1);

/// The same while there is no token, or the store is away.
pub(super) const WITHOUT: Duration = Duration::from_secs(5);

/// What was seen.
pub(super) enum Seen {
    /// The grant, and its token if there is one.
    Grant(Arc<VendableGrant>, Option<Box<Vended>>),
    /// No such grant.
    Nothing,
    /// Nothing can be said before this time.
    NotBefore(Timestamp),
}

impl Vendor {
    /// Looks, with leave to do so. Fails where the watcher may no longer.
    pub(super) async fn look(
        &self,
        key: &GrantKey,
        permit: Result<Permit, BrokerError>,
    ) -> Result<Seen, BrokerError> {
        let vended = match permit {
            // Nothing is told of what is not known.
            Ok(_) if self.vendable(key).await.is_ok_and(|held| held.is_blind()) => {
                return Ok(Seen::NotBefore(self.clock.now() + WITHOUT));
            }
            Ok(permit) => self.vend(&request(key, permit)).await,
            Err(error) => Err(error),
        };
        let now = self.clock.now();
        match vended {
            Ok(vended) => Ok(Seen::Grant(vended.grant.clone(), Some(Box::new(vended)))),
            Err(BrokerError::GrantNotFound | BrokerError::TenantNotFound) => Ok(Seen::Nothing),
            Err(error @ BrokerError::AccessDenied) => Err(error),
            Err(BrokerError::TenantRateLimited(wait)) => Ok(Seen::NotBefore(now + wait)),
            Err(BrokerError::BackendUnavailable(_) | BrokerError::Internal(_)) => {
                Ok(Seen::NotBefore(now + WITHOUT))
            }
            Err(_) => Ok(self.without_token(key, now).await),
        }
    }

    /// There is no token, and the grant says why.
    async fn without_token(&self, key: &GrantKey, now: Timestamp) -> Seen {
        match self.vendable(key).await.and_then(HeldGrant::not_blind) {
            Ok(held) => Seen::Grant(held.into_row(), None),
            Err(BrokerError::GrantNotFound) => Seen::Nothing,
            Err(_) => Seen::NotBefore(now + WITHOUT),
        }
    }
}

fn request(key: &GrantKey, permit: Permit) -> VendRequest {
    VendRequest {
        key: key.clone(),
        min_validity: MIN_VALIDITY,
        required_scopes: Vec::new(),
        wait: Some(Duration::ZERO),
        permit,
    }
}

/// When to look again if no news comes.
pub(super) fn look_again_at(grant: &Grant, has_token: bool, holds_back: bool, now: Timestamp) -> Timestamp {
    if holds_back {
        return now + HELD_BACK;
    }
    if !has_token {
        return now + if grant.lifecycle == Lifecycle::Active { WITHOUT } else { QUIET };
    }
    // One second into the time in which the token is no longer fresh enough.
    let wearing = grant.expires_at - MIN_VALIDITY.min(grant.token_life() / 2) + Duration::from_secs(1);
    let moments = [wearing, grant.expires_at, now + QUIET];
    moments.into_iter().filter(|moment| *moment > now).min().unwrap_or(now + QUIET)
}

#[cfg(test)]
mod tests {
    use super::super::super::test_grant::{NOW, grant};
    use super::*;

    #[test]
    fn it_looks_again_before_the_token_expires_when_it_does_and_every_ten_minutes() {
        let expiring_in = |seconds| Grant { expires_at: NOW + Duration::from_secs(seconds), ..grant() };
        for (life, next) in [(3600, 600), (300, 241), (60, 31)] {
            let at = look_again_at(&expiring_in(life), true, false, NOW);
            assert_eq!(at.since(NOW), Duration::from_secs(next), "{life}");
        }
    }

    #[test]
    fn of_a_worn_token_the_end_is_awaited() {
        let grant = Grant { expires_at: NOW + Duration::from_secs(300), ..grant() };
        let now = NOW + Duration::from_secs(250);
        assert_eq!(look_again_at(&grant, true, false, now), grant.expires_at);
    }

    #[test]
    fn it_looks_more_often_while_a_token_is_missing() {
        assert_eq!(look_again_at(&grant(), true, true, NOW), NOW + HELD_BACK);
        assert_eq!(look_again_at(&grant(), false, false, NOW), NOW + WITHOUT);
        let revoked = Grant { lifecycle: Lifecycle::Revoked, expires_at: NOW, ..grant() };
        assert_eq!(look_again_at(&revoked, false, false, NOW), NOW + QUIET);
    }
}
