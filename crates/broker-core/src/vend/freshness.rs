//! Is a held token good enough, and if there is none, why: pure decisions.

use std::time::Duration;

use super::StaleReason;
use crate::{BrokerError, ConsentCause, FailureKind, Grant, Lifecycle, Phase, Timestamp};

/// An overdue token is expected within this time at the latest.
const OVERDUE_AT_MOST: Duration = Duration::from_secs(60);

/// Whether the token lives `min_validity` longer, or half its own life where that is less.
pub(super) fn satisfies(grant: &Grant, min_validity: Duration, now: Timestamp) -> bool {
    let needed = min_validity.min(grant.token_life() / 2);
    grant.expires_at > now && grant.expires_at.since(now) >= needed
}

/// When a newer token can be expected in place of one that expires at `expires_at`: when it is due, and never later than that.
///
/// An overdue one may come at any moment. The later it is, the longer it may still take: as long again, and `pause` at least.
pub(super) fn expected_at(
    due_at: Option<Timestamp>,
    expires_at: Timestamp,
    now: Timestamp,
    pause: Duration,
) -> Timestamp {
    let expected = match due_at {
        // Nothing is to come.
        None => expires_at,
        Some(due) if due > now => due,
        Some(due) => now + now.since(due).min(OVERDUE_AT_MOST).max(pause),
    };
    expected.min(expires_at)
}

/// The required scopes that were not granted.
pub(super) fn missing_scopes(granted: &[String], required: &[String]) -> Vec<String> {
    required.iter().filter(|scope| !granted.contains(scope)).cloned().collect()
}

/// Why a token that should be fresher is served all the same; `None` where there is nothing to refresh it with.
pub(super) fn stale_reason(grant: &Grant, old_token_dies: bool) -> Option<StaleReason> {
    let kind = grant.last_failure.as_ref().map(|failure| failure.kind);
    match grant.lifecycle {
        Lifecycle::NeedsConsent(_) => Some(StaleReason::ConsentRequired),
        Lifecycle::ConsentExpired => Some(StaleReason::GrantExpired),
        // Nothing of it is served, stale or not.
        Lifecycle::Revoking | Lifecycle::Revoked => None,
        // Nothing failed: the token is simply in its last minutes.
        Lifecycle::Active if !grant.refreshable => None,
        Lifecycle::Active if old_token_dies && grant.phase != Phase::Idle => {
            Some(StaleReason::RotationUncertain)
        }
        Lifecycle::Active => match kind {
            Some(FailureKind::ClientRejected | FailureKind::UnlabelledRefusal) => {
                Some(StaleReason::ClientRegistrationRejected)
            }
            _ => Some(StaleReason::RefreshFailed),
        },
    }
}

/// Why no token of this grant can be served now.
pub(crate) fn refusal(grant: &Grant, now: Timestamp, pause: Duration) -> BrokerError {
    let retry_after = grant.paused_until(now).map_or(pause, |until| until.since(now));
    match grant.lifecycle {
        Lifecycle::NeedsConsent(cause) => BrokerError::ConsentRequired(cause),
        Lifecycle::ConsentExpired => {
            BrokerError::GrantExpired { ended_at: grant.dies_at, registration: grant.registration.clone() }
        }
        Lifecycle::Revoking | Lifecycle::Revoked => BrokerError::ConsentRequired(ConsentCause::Revoked),
        Lifecycle::Active if !grant.refreshable => {
            BrokerError::ConsentRequired(ConsentCause::NoOfflineAccess)
        }
        Lifecycle::Active if grant.phase == Phase::Suspect => BrokerError::RefreshInProgress(retry_after),
        Lifecycle::Active => match grant.last_failure.as_ref().map(|failure| failure.kind) {
            Some(FailureKind::ClientRejected | FailureKind::UnlabelledRefusal) => {
                BrokerError::ClientRegistrationRejected(grant.registration.clone())
            }
            Some(FailureKind::Internal) => BrokerError::Internal("the grant's refresh cannot be made".into()),
            Some(_) => BrokerError::ProviderUnavailable(retry_after),
            None => BrokerError::RefreshInProgress(pause),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_token_is_expected_when_it_is_due_or_soon_and_before_the_end() {
        let at = Timestamp::from_unix_seconds;
        let (now, pause) = (1000, Duration::from_secs(5));
        for (due, expires, expected) in [
            (Some(1200), 2000, 1200),
            (Some(2400), 2000, 2000),
            (Some(1000), 2000, 1005),
            (Some(970), 2000, 1030),
            (Some(200), 2000, 1060),
            (Some(200), 1003, 1003),
            (None, 2000, 2000),
        ] {
            let seen = expected_at(due.map(at), at(expires), at(now), pause);
            assert_eq!(seen, at(expected), "{due:?} {expires}");
        }
    }
}
