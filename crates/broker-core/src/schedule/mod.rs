//! When to refresh, and when a grant dies: pure arithmetic.

mod due;
mod pace;
mod warmth;

use std::time::Duration;

pub use due::{DueRules, Issue, next_due, refresh_due};
pub use pace::pace;
pub(crate) use warmth::note_every;
pub use warmth::{IdleLife, Look, is_cold, look_at};

use crate::Timestamp;

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

    proptest! {
        #[test]
        fn retries_grow_to_the_cap(failures in 1u32..200, draw in 0.0..1.0f64) {
            let (base, cap) = (Duration::from_secs(5), Duration::from_secs(300));
            let delay = retry_delay(failures, base, cap, draw);
            prop_assert!(delay >= base / 4 && delay <= cap);
            if failures >= 7 { prop_assert!(delay >= cap / 4); }
        }
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
