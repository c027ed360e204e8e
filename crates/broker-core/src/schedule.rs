//! When to refresh, and when a grant dies: pure arithmetic.

use std::time::Duration;

use crate::{ProviderProfile, Timestamp};

/// When a token set should be refreshed.
///
/// `draw` in [0, 1) spreads grants of one wave apart; drawn once per generation. `attempt_budget` is the
/// time one attempt may take. Never before half the token's life, never so late that no attempt fits.
pub fn refresh_due(
    profile: &ProviderProfile,
    issued: Timestamp,
    expires: Timestamp,
    draw: f64,
    attempt_budget: Duration,
) -> Timestamp {
    let life = expires.since(issued);
    let (from, to, reserve) = match profile.old_access_token_dies_on_refresh {
        true => (0.85, 0.95, attempt_budget),
        false => (0.60, 0.80, (2 * attempt_budget).min(life / 4)),
    };
    let drawn = issued + life.mul_f64(from + (to - from) * draw.clamp(0.0, 1.0));
    drawn.min(expires - reserve).max(issued + life / 2)
}

/// When the grant dies whatever is done, the earliest of its windows; `None` if it has none.
pub fn dies_at(
    refresh_token_timeout: Option<Duration>,
    authorization_expires_in: Option<Duration>,
    refreshed: Timestamp,
    consented: Timestamp,
) -> Option<Timestamp> {
    let idle = refresh_token_timeout.map(|span| refreshed + span);
    let absolute = authorization_expires_in.map(|span| consented + span);
    idle.into_iter().chain(absolute).min()
}

/// The delay before retry number `failures` (from 1): exponential, full jitter, never under a quarter of the step.
pub fn retry_delay(failures: u32, base: Duration, cap: Duration, draw: f64) -> Duration {
    let step = base.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(cap);
    step.mul_f64(0.25 + 0.75 * draw.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ReusePolicy, RotationMode};

    fn profile(dies: bool) -> ProviderProfile {
        ProviderProfile {
            rotation: RotationMode::SingleUse(ReusePolicy::Unknown),
            old_access_token_dies_on_refresh: dies,
            access_token_lifetime: Duration::from_secs(3600),
            refresh_token_timeout: None,
            authorization_expires_in: None,
            default_scopes: vec![],
        }
    }

    proptest! {
        #[test]
        fn due_lies_between_half_life_and_expiry(dies: bool, life in 1u64..40_000_000, draw in 0.0..1.0f64, budget in 0u64..120) {
            let issued = Timestamp::from_unix_seconds(1_700_000_000);
            let expires = issued + Duration::from_secs(life);
            let due = refresh_due(&profile(dies), issued, expires, draw, Duration::from_secs(budget));
            prop_assert!(due >= issued + Duration::from_secs(life) / 2);
            prop_assert!(due < expires);
        }

        #[test]
        fn retries_grow_to_the_cap(failures in 1u32..200, draw in 0.0..1.0f64) {
            let (base, cap) = (Duration::from_secs(5), Duration::from_secs(300));
            let delay = retry_delay(failures, base, cap, draw);
            prop_assert!(delay >= base / 4 && delay <= cap);
            if failures >= 7 { prop_assert!(delay >= cap / 4); }
        }
    }

    #[test]
    fn an_hour_is_refreshed_between_36_and_48_minutes() {
        let issued = Timestamp::from_unix_seconds(0);
        let at = |dies, draw| {
            let due = refresh_due(
                &profile(dies),
                issued,
                issued + Duration::from_secs(3600),
                draw,
                Duration::from_secs(33),
            );
            due.since(issued).as_secs()
        };
        assert_eq!((at(false, 0.0), at(false, 1.0)), (2160, 2880));
        assert_eq!((at(true, 0.0), at(true, 1.0)), (3060, 3420));
    }

    #[test]
    fn the_earliest_window_ends_the_grant() {
        let day = |n: u64| Duration::from_secs(n * 86_400);
        let (consented, refreshed) =
            (Timestamp::from_unix_seconds(0), Timestamp::from_unix_seconds(80 * 86_400));
        assert_eq!(dies_at(Some(day(14)), Some(day(90)), refreshed, consented), Some(consented + day(90)));
        assert_eq!(dies_at(Some(day(5)), Some(day(90)), refreshed, consented), Some(consented + day(85)));
        assert_eq!(dies_at(None, None, refreshed, consented), None);
    }
}
