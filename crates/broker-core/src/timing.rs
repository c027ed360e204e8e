//! The times of the rotation protocol, configurable together.

use std::time::Duration;

/// How long the steps of the protocol may take and how long to wait between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// How long an answer is waited for, connecting included; a grace provider's answer no longer than a third of its
    /// grace. After it the attempt's outcome counts as unknown, and the answer is still read.
    pub attempt_budget: Duration,
    /// Until when after the start of an attempt its late answer is read.
    pub late_read: Duration,
    /// How long a claim keeps a grant from being due again; longer than an attempt.
    pub lease_ttl: Duration,
    /// After this long a request whose answer was lost is not processed by the provider any more.
    pub orphan_wait: Duration,
    /// How often a replica notes that it is alive.
    pub heartbeat: Duration,
    /// A replica that was silent for so long counts as dead.
    pub death_detection: Duration,
    /// How long the journal of a dead replica is waited for before its answers count as lost.
    pub escrow_wait: Duration,
    /// A replica whose clock is further from the store's does not claim.
    pub max_clock_skew: Duration,
    /// How long a refused client registration rests before one grant tries it again.
    pub registration_pause: Duration,
    /// A bare refusal without an OAuth code is held against the token, not the registration, if another grant of the
    /// registration is refreshed within this time.
    pub unlabelled_window: Duration,
    /// How long closed attempts are kept.
    pub attempts_kept: Duration,
    /// The pause before a refused refresh token is presented once more.
    pub suspect_confirm_after: Duration,
    /// First pause after a failure; doubles with each.
    pub retry_base: Duration,
    /// Longest pause between retries of a definitive failure.
    pub retry_cap: Duration,
    /// Longest pause between probes of an uncertain outcome.
    pub probe_cap: Duration,
    /// How often the scheduler looks for due grants.
    pub tick: Duration,
    /// A grant nobody asked for in this time is rotated only to keep it alive.
    pub warm_for: Duration,
    /// How long before a grant's authorization ends this is told, the first notice first.
    pub expiry_notices: Vec<Duration>,
    /// Attempts of the scheduler in flight at once.
    pub max_in_flight: usize,
    /// Life of an authorization's state.
    pub authorization_life: Duration,
    /// How long a call without a deadline waits for a refresh.
    pub default_wait: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            attempt_budget: Duration::from_secs(33),
            late_read: Duration::from_secs(120),
            lease_ttl: Duration::from_secs(60),
            orphan_wait: Duration::from_secs(120),
            heartbeat: Duration::from_secs(2),
            death_detection: Duration::from_secs(8),
            escrow_wait: Duration::from_secs(600),
            max_clock_skew: Duration::from_secs(2),
            registration_pause: Duration::from_secs(60),
            unlabelled_window: Duration::from_secs(300),
            attempts_kept: Duration::from_secs(7 * 24 * 3600),
            suspect_confirm_after: Duration::from_secs(60),
            retry_base: Duration::from_secs(5),
            retry_cap: Duration::from_secs(300),
            probe_cap: Duration::from_secs(3600),
            tick: Duration::from_secs(1),
            warm_for: Duration::from_secs(24 * 3600),
            expiry_notices: [48, 24, 4].map(|hours| Duration::from_secs(hours * 3600)).to_vec(),
            max_in_flight: 64,
            authorization_life: Duration::from_secs(600),
            default_wait: Duration::from_secs(35),
        }
    }
}

/// Two times of the protocol are in an order that is not safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnsafeTiming(pub &'static str);

impl Timing {
    /// Checks the order of the times the protocol relies on (docs/rotation.md, rule 5).
    pub fn check(&self) -> Result<(), UnsafeTiming> {
        let rules = [
            (
                self.attempt_budget < self.lease_ttl,
                "connect_timeout + provider_timeout must be less than lease_ttl",
            ),
            (
                self.attempt_budget < self.orphan_wait,
                "connect_timeout + provider_timeout must be less than orphan_wait",
            ),
            (
                self.attempt_budget <= self.late_read,
                "connect_timeout + provider_timeout must not exceed late_read",
            ),
            (self.heartbeat * 2 <= self.death_detection, "heartbeat must not exceed half of death_detection"),
            (self.death_detection <= self.escrow_wait, "death_detection must not exceed escrow_wait"),
            (
                self.late_read <= self.death_detection.saturating_add(self.escrow_wait),
                "late_read must not exceed death_detection + escrow_wait",
            ),
            (self.retry_base <= self.retry_cap, "retry_base must not exceed retry_cap"),
            (!self.retry_base.is_zero(), "retry_base must not be zero"),
            (!self.tick.is_zero(), "tick must not be zero"),
            (!self.warm_for.is_zero(), "warm_for must not be zero"),
            (
                self.expiry_notices.is_sorted_by(|first, second| first > second),
                "expiry_notices must be named from the longest to the shortest, each once",
            ),
            (self.expiry_notices.iter().all(|notice| !notice.is_zero()), "expiry_notices must not be zero"),
            (self.max_in_flight > 0, "max_in_flight must not be zero"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(UnsafeTiming(rule)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_safe_and_an_attempt_longer_than_its_lease_is_not() {
        assert_eq!(Timing::default().check(), Ok(()));
        let long = Timing { attempt_budget: Duration::from_secs(61), ..Timing::default() };
        assert!(long.check().unwrap_err().0.contains("lease_ttl"));
    }
}
