//! When a delivery that failed is tried again: one pure decision.

use std::time::Duration;

use crate::Timestamp;
use crate::ports::{DeliveryRefusal, FailingDelivery};

/// For how long a delivery is tried.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(72 * 3600);

/// No wait between two tries is longer.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// How long to wait after each failure in a row; after more of them, [`LONGEST`].
const WAITS: [u64; 8] = [5, 30, 120, 600, 1800, 3600, 7200, 14_400];

/// Waits are stretched or shortened by up to this part, so that those who failed together do not come back together.
const SPREAD: f64 = 0.1;

/// What is done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// Try again then.
    RetryAt(Timestamp),
    /// Switch the webhook off.
    GiveUp,
}

/// `before`: what failed before this, in a row. `draw` is in [0, 1).
pub(super) fn after_failure(
    refusal: &DeliveryRefusal,
    before: Option<FailingDelivery>,
    now: Timestamp,
    draw: f64,
) -> AfterFailure {
    let since = before.map_or(now, |before| before.since);
    if refusal.is_gone() || now.since(since) >= GIVE_UP_AFTER {
        return AfterFailure::GiveUp;
    }
    let failures = before.map_or(0, |before| before.failures) as usize;
    let wait = WAITS.get(failures).map_or(LONGEST, |seconds| Duration::from_secs(*seconds));
    let wait = wait.mul_f64(1.0 + SPREAD * (2.0 * draw - 1.0));
    let wait = wait.max(refusal.retry_after.unwrap_or_default()).min(LONGEST);
    // The last try comes when time is up, not up to six hours before.
    AfterFailure::RetryAt((now + wait).min(since + GIVE_UP_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeliveryFailure;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
    const MIDDLE: f64 = 0.5;

    fn status(status: u16) -> DeliveryRefusal {
        DeliveryRefusal { failure: DeliveryFailure::Status(status), retry_after: None }
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn after(failures: u32, since: Timestamp, now: Timestamp) -> AfterFailure {
        after_failure(&status(500), Some(FailingDelivery { failures, since }), now, MIDDLE)
    }

    #[test]
    fn waits_grow_and_the_last_try_is_at_the_end_of_three_days() {
        let (mut now, mut before, mut tries) = (NOW, None, 0);
        let mut longest = Duration::ZERO;
        while let AfterFailure::RetryAt(at) = after_failure(&status(500), before, now, MIDDLE) {
            tries += 1;
            assert!(at > now);
            longest = longest.max(at.since(now));
            now = at;
            before = Some(FailingDelivery { failures: tries, since: NOW });
        }
        assert_eq!(now, NOW + GIVE_UP_AFTER);
        assert_eq!((longest, tries), (LONGEST, 19));
    }

    #[test]
    fn a_receiver_that_is_gone_is_not_asked_again() {
        assert_eq!(after_failure(&status(410), None, NOW, MIDDLE), AfterFailure::GiveUp);
        assert_eq!(after_failure(&status(404), None, NOW, MIDDLE), AfterFailure::RetryAt(NOW + seconds(5)));
    }

    #[test]
    fn a_receiver_may_ask_for_time_but_not_for_ever() {
        let asks = |count| {
            let refusal = DeliveryRefusal { retry_after: Some(seconds(count)), ..status(503) };
            after_failure(&refusal, None, NOW, MIDDLE)
        };
        assert_eq!(asks(1), AfterFailure::RetryAt(NOW + seconds(5)));
        assert_eq!(asks(600), AfterFailure::RetryAt(NOW + seconds(600)));
        assert_eq!(asks(1_000_000), AfterFailure::RetryAt(NOW + LONGEST));
    }

    #[test]
    fn waits_are_spread() {
        let at = |draw| after_failure(&status(500), None, NOW, draw);
        assert_eq!(at(0.0), AfterFailure::RetryAt(NOW + Duration::from_millis(4500)));
        assert_ne!(at(0.0), at(0.9));
    }

    #[test]
    fn a_clock_set_back_gives_nothing_up() {
        assert!(matches!(after(3, NOW, NOW - seconds(600)), AfterFailure::RetryAt(_)));
    }
}
