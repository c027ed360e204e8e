//! Is a held token good enough, and if there is none, why: pure decisions.

use std::time::Duration;

use super::StaleReason;
use crate::{BrokerError, ConsentCause, FailureKind, Grant, Lifecycle, Phase, Timestamp};

/// Whether the token lives `min_validity` longer, or half its own life where that is less.
pub(super) fn satisfies(grant: &Grant, min_validity: Duration, now: Timestamp) -> bool {
    let needed = min_validity.min(grant.token_life() / 2);
    grant.expires_at > now && grant.expires_at.since(now) >= needed
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
