//! Why there is no fresh minted token: pure decisions.

use super::StaleReason;
use crate::administer::refresh_paused;
use crate::rotation::{Rotated, RotationError};
use crate::{BrokerError, FailureKind, MintSource, Minting, RegistrationId, Timestamp, Timing};

/// Why a token that should be fresher is served all the same.
pub(super) fn stale(minting: &Minting, minted: &Rotated) -> StaleReason {
    match minted {
        Rotated::RefreshPaused(_) => StaleReason::RefreshPaused,
        Rotated::Failed(RotationError::Backend(_) | RotationError::KeysExhausted) => {
            StaleReason::BackendUnavailable
        }
        _ if is_client_rejected(minting) => StaleReason::ClientRegistrationRejected,
        _ => StaleReason::RefreshFailed,
    }
}

/// Why no token can be served now. `parent` is the registration of the grant that a derived one comes from.
pub(super) fn why_none(
    minting: &Minting,
    parent: Option<&RegistrationId>,
    minted: Rotated,
    now: Timestamp,
    timing: &Timing,
) -> BrokerError {
    let retry_after = minting.rests_until(now).map_or(timing.retry_base, |until| until.since(now));
    match minted {
        Rotated::Failed(error) => return error.into(),
        Rotated::RefreshPaused(until) => return refresh_paused(until, now, timing),
        Rotated::ProviderRests(until) => return BrokerError::ProviderUnavailable(until.since(now)),
        _ => {}
    }
    let registration = match &minting.source {
        MintSource::ClientCredentials { registration } => Some(registration),
        MintSource::Derived { .. } => parent,
    };
    match (minting.last_failure.as_ref().map(|failure| failure.kind), registration) {
        (None, _) => BrokerError::RefreshInProgress(retry_after),
        (Some(_), Some(registration)) if is_client_rejected(minting) => {
            BrokerError::ClientRegistrationRejected(registration.clone())
        }
        (Some(FailureKind::Internal), _) => BrokerError::Internal("the token cannot be minted".into()),
        (Some(_), _) => BrokerError::ProviderUnavailable(retry_after),
    }
}

/// A bare refusal is the client's fault where nothing but the client was shown.
fn is_client_rejected(minting: &Minting) -> bool {
    let alone = matches!(minting.source, MintSource::ClientCredentials { .. });
    minting.last_failure.as_ref().is_some_and(|failure| match failure.kind {
        FailureKind::ClientRejected => true,
        FailureKind::UnlabelledRefusal => alone,
        _ => false,
    })
}
