//! When to refresh, and when a grant dies: pure arithmetic.

mod due;
mod end;
mod notices;
mod pace;
mod warmth;

use std::time::Duration;

pub use due::{DueRules, Issue, next_due, refresh_due};
pub use end::{GrantEnd, overruns};
pub use notices::{Ending, NoticeStep, first_notice, notice_step};
pub use pace::pace;
pub(crate) use warmth::note_every;
pub use warmth::{IdleLife, Look, is_cold, look_at};

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
}
