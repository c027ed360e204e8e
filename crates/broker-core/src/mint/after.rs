//! When to mint next: pure decisions.

use std::time::Duration;

use crate::schedule::{refresh_due, retry_delay};
use crate::{FailureKind, ProviderFailure, ProviderProfile, Timestamp, Timing};

/// Longer than this no provider is obeyed that asks to wait.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// When the next token is minted. `draw` in [0, 1), see [`crate::schedule::pace`]. Minting ends no token, so it is early,
/// even at a provider whose refreshes do.
pub(super) fn next_mint(
    profile: &ProviderProfile,
    issued: Timestamp,
    expires: Timestamp,
    draw: f64,
    attempt_budget: Duration,
) -> Timestamp {
    let harmless = ProviderProfile { old_access_token_dies_on_refresh: false, ..profile.clone() };
    refresh_due(&harmless, issued, expires, draw, attempt_budget)
}

/// How long minting rests after so many failures in a row.
pub(super) fn next_try(failure: &ProviderFailure, failures: u32, timing: &Timing, draw: f64) -> Duration {
    let pause = match failure.kind {
        // As a refused registration rests before one grant tries it again.
        FailureKind::ClientRejected => timing.registration_pause,
        _ => retry_delay(failures, timing.retry_base, timing.retry_cap, draw),
    };
    pause.max(failure.retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(kind: FailureKind, failures: u32, retry_after: Option<u64>) -> u64 {
        let failure = ProviderFailure {
            retry_after: retry_after.map(Duration::from_secs),
            ..ProviderFailure::of(kind)
        };
        next_try(&failure, failures, &Timing::default(), 1.0).as_secs()
    }

    #[test]
    fn pauses_grow_with_failures_and_obey_the_provider() {
        assert_eq!(pause(FailureKind::Unreachable, 1, None), 5);
        assert_eq!(pause(FailureKind::Unreachable, 2, None), 10);
        assert_eq!(pause(FailureKind::Uncertain, 60, None), 300);
        assert_eq!(pause(FailureKind::Throttled, 1, Some(900)), 900);
        assert_eq!(pause(FailureKind::Throttled, 1, Some(9_000_000)), 86_400);
        assert_eq!(pause(FailureKind::ClientRejected, 1, None), 60);
        assert_eq!(pause(FailureKind::ClientRejected, 9, None), 60);
    }
}
