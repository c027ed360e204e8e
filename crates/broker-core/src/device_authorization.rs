//! How a device authorization is polled (RFC 8628 §3.5).

use std::time::Duration;

use broker_crypto::{DeviceCode, Sealed};

use crate::Timestamp;

/// What `slow_down` adds to the interval, for good (RFC 8628 §3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// More doublings than this make no difference: the longest pause is reached before.
const MOST_DOUBLINGS: u32 = 16;

/// What an authorization has that was started for another device, while there is something to poll for.
#[derive(Debug, Clone)]
pub struct DeviceAuthorization {
    /// What it is polled with.
    pub code: Sealed<DeviceCode>,
    /// How it is polled.
    pub polling: Polling,
}

/// How a device authorization is polled. It is kept, so that a restart does not poll sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    /// The least time between two polls; it only grows.
    pub interval: Duration,
    /// When to poll next.
    pub next_at: Timestamp,
    /// Polls in a row that were not answered.
    pub failures: u32,
    /// The answer to a poll was lost, and it may have been the one with the tokens.
    pub answer_lost: bool,
}

impl Polling {
    /// Before the first poll.
    pub(crate) fn first(interval: Duration, now: Timestamp) -> Self {
        Self { interval, next_at: now + interval, failures: 0, answer_lost: false }
    }

    /// The provider still waits for the user. So a lost answer before was not the one with the tokens.
    pub(crate) fn answered(self, now: Timestamp) -> Self {
        Self::first(self.interval, now)
    }

    /// The provider asks for fewer polls.
    pub(crate) fn slowed_down(self, now: Timestamp) -> Self {
        Self::first(self.interval + SLOW_DOWN, now)
    }

    /// Nothing is known of this poll but that it brought no answer: the pause doubles with each (RFC 8628 §3.5), up to
    /// `longest`, and is never below the interval.
    pub(crate) fn unanswered(self, now: Timestamp, longest: Duration) -> Self {
        let failures = self.failures.saturating_add(1);
        let pause = self.interval.saturating_mul(1 << failures.min(MOST_DOUBLINGS));
        let next_at = now + pause.min(longest).max(self.interval);
        Self { next_at, failures, ..self }
    }

    /// The same, where the lost answer may have been the one with the tokens.
    pub(crate) fn lost(self, now: Timestamp, longest: Duration) -> Self {
        Self { answer_lost: true, ..self.unanswered(now, longest) }
    }

    /// Not before `at`.
    pub(crate) fn not_before(self, at: Timestamp) -> Self {
        Self { next_at: self.next_at.max(at), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
    const LONGEST: Duration = Duration::from_secs(300);

    fn seconds(polling: Polling) -> u64 {
        polling.next_at.since(NOW).as_secs()
    }

    #[test]
    fn slow_down_is_for_good() {
        let twice = Polling::first(Duration::from_secs(5), NOW).slowed_down(NOW).slowed_down(NOW);
        assert_eq!((twice.interval.as_secs(), seconds(twice)), (15, 15));
        assert_eq!(seconds(twice.answered(NOW)), 15);
    }

    #[test]
    fn what_is_not_answered_is_asked_ever_less_often_and_an_answer_ends_that() {
        let mut polling = Polling::first(Duration::from_secs(5), NOW);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            polling = polling.unanswered(NOW, LONGEST);
            pauses.push(seconds(polling));
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(seconds(polling.answered(NOW)), 5);
    }

    #[test]
    fn no_pause_is_shorter_than_the_interval() {
        let slow = Polling::first(Duration::from_secs(600), NOW).unanswered(NOW, LONGEST);
        assert_eq!(seconds(slow), 600);
        assert_eq!(seconds(slow.not_before(NOW + Duration::from_secs(700))), 700);
        assert_eq!(seconds(slow.not_before(NOW)), 600);
    }

    #[test]
    fn a_lost_answer_is_remembered_until_the_provider_says_that_it_waits() {
        let lost = Polling::first(Duration::from_secs(5), NOW).lost(NOW, LONGEST);
        assert!(lost.unanswered(NOW, LONGEST).answer_lost);
        assert!(!lost.answered(NOW).answer_lost && !lost.slowed_down(NOW).answer_lost);
    }
}
