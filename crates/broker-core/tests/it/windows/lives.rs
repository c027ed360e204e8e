//! How long what the fake provider grants lives, by its own clock.

use std::time::Duration;

use broker_core::Timestamp;

/// What a provider does with what it has granted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    /// A refresh token dies of so much idleness.
    pub(crate) idle: Option<Duration>,
    /// Everything ends so long after the consent.
    pub(crate) fixed: Option<Duration>,
    /// Neither token changes while the access token is valid, and the refresh token never does.
    pub(crate) repeats: bool,
}

/// The one grant it has, and its clock.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    pub(crate) policy: Policy,
    /// So far its clock is ahead of the broker's, in seconds.
    pub(crate) ahead: i64,
    consented_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
}

impl Lives {
    /// Whether a code or a refresh token is accepted; if it is, its use is noted.
    pub(crate) fn admits(&mut self, code: bool, broker_now: Timestamp) -> bool {
        let now = self.its_time(broker_now);
        if code {
            self.consented_at = Some(now);
        } else if self.is_over(now) {
            return false;
        }
        self.used_at = Some(now);
        true
    }

    /// What is left of the access token that is answered once more; `None` if a new one is.
    pub(crate) fn repeated(&mut self, code: bool, life: Duration, broker_now: Timestamp) -> Option<Duration> {
        let now = self.its_time(broker_now);
        let left = self.issued_at.map(|issued| (issued + life).since(now)).filter(|left| !left.is_zero());
        if self.policy.repeats && !code && left.is_some() {
            return left;
        }
        self.issued_at = Some(now);
        None
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let ended = |from: Option<Timestamp>, life: Option<Duration>| {
            from.zip(life).is_some_and(|(from, life)| now >= from + life)
        };
        ended(self.used_at, self.policy.idle) || ended(self.consented_at, self.policy.fixed)
    }

    fn its_time(&self, broker_now: Timestamp) -> Timestamp {
        Timestamp::from_unix_micros(broker_now.as_unix_micros() + self.ahead * 1_000_000)
    }
}
