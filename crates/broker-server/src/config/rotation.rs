//! `[rotation]`: all times of the protocol.

use std::time::Duration;

use broker_core::Timing;
use broker_egress::EgressConfig;
use humantime_serde::Serde;
use serde::Deserialize;

/// Nobody means more, and sums of such times stay far from where clocks end.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What is wrong with a time nobody means.
pub(super) fn too_long(span: Duration) -> Option<String> {
    (span > LONGEST).then(|| "must not be longer than 100 years".to_owned())
}

/// The times of the rotation protocol (docs/rotation.md). Durations are written `30s`, `5m`, `1h`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotationConfig {
    /// Longest wait for DNS, TCP and TLS.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// Longest wait for a provider's whole answer.
    #[serde(with = "humantime_serde")]
    pub provider_timeout: Duration,
    /// How long a claim keeps a grant from being due again.
    #[serde(with = "humantime_serde")]
    pub lease_ttl: Duration,
    /// After this long an orphaned request is not processed any more.
    #[serde(with = "humantime_serde")]
    pub orphan_wait: Duration,
    /// Until when after its start an attempt's late answer is read.
    #[serde(with = "humantime_serde")]
    pub late_read: Duration,
    /// How often a replica notes that it is alive.
    #[serde(with = "humantime_serde")]
    pub heartbeat: Duration,
    /// A replica that was silent for so long counts as dead.
    #[serde(with = "humantime_serde")]
    pub death_detection: Duration,
    /// How long the journal of a dead replica is waited for.
    #[serde(with = "humantime_serde")]
    pub escrow_wait: Duration,
    /// A replica whose clock is further from the store's does not claim.
    #[serde(with = "humantime_serde")]
    pub max_clock_skew: Duration,
    /// How long a refused client registration rests before one grant tries it again.
    #[serde(with = "humantime_serde")]
    pub registration_pause: Duration,
    /// How long a bare refusal waits for other grants of its registration to tell its reason.
    #[serde(with = "humantime_serde")]
    pub unlabelled_window: Duration,
    /// How long closed attempts are kept.
    #[serde(with = "humantime_serde")]
    pub attempts_kept: Duration,
    /// A grant nobody asked for during this time is refreshed only to keep it alive.
    #[serde(with = "humantime_serde")]
    pub warm_for: Duration,
    /// How long before a grant's authorization ends this is told, the first notice first. Empty tells nothing.
    pub expiry_notices: Vec<Serde<Duration>>,
    /// Pause before a refused refresh token is presented once more.
    #[serde(with = "humantime_serde")]
    pub suspect_confirm_after: Duration,
    /// First pause after a failure.
    #[serde(with = "humantime_serde")]
    pub retry_base: Duration,
    /// Longest pause between retries.
    #[serde(with = "humantime_serde")]
    pub retry_cap: Duration,
    /// Longest pause between probes of an uncertain outcome.
    #[serde(with = "humantime_serde")]
    pub probe_cap: Duration,
    /// How often the scheduler looks for due grants.
    #[serde(with = "humantime_serde")]
    pub tick: Duration,
    /// Attempts of the scheduler in flight at once.
    pub max_in_flight: usize,
    /// Life of an authorization's state.
    #[serde(with = "humantime_serde")]
    pub authorization_life: Duration,
    /// How long a call without a deadline waits for a refresh.
    #[serde(with = "humantime_serde")]
    pub default_wait: Duration,
}

impl Default for RotationConfig {
    fn default() -> Self {
        let (timing, egress) = (Timing::default(), EgressConfig::default());
        Self {
            connect_timeout: egress.connect_timeout,
            provider_timeout: egress.total_timeout,
            lease_ttl: timing.lease_ttl,
            orphan_wait: timing.orphan_wait,
            late_read: timing.late_read,
            heartbeat: timing.heartbeat,
            death_detection: timing.death_detection,
            escrow_wait: timing.escrow_wait,
            max_clock_skew: timing.max_clock_skew,
            registration_pause: timing.registration_pause,
            unlabelled_window: timing.unlabelled_window,
            attempts_kept: timing.attempts_kept,
            warm_for: timing.warm_for,
            expiry_notices: timing.expiry_notices.into_iter().map(Serde::from).collect(),
            suspect_confirm_after: timing.suspect_confirm_after,
            retry_base: timing.retry_base,
            retry_cap: timing.retry_cap,
            probe_cap: timing.probe_cap,
            tick: timing.tick,
            max_in_flight: timing.max_in_flight,
            authorization_life: timing.authorization_life,
            default_wait: timing.default_wait,
        }
    }
}

impl RotationConfig {
    /// Every problem, with its key.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, span) in self.spans() {
            let zero = span.is_zero().then(|| "must be longer than zero".to_owned());
            problems.extend(zero.or(too_long(span)).map(|problem| format!("[rotation] {key} {problem}")));
        }
        if problems.is_empty() {
            problems.extend(
                self.timing().check().err().map(|unsafe_timing| format!("[rotation] {unsafe_timing}")),
            );
        }
        problems
    }

    fn spans(&self) -> [(&'static str, Duration); 20] {
        [
            ("connect_timeout", self.connect_timeout),
            ("provider_timeout", self.provider_timeout),
            ("lease_ttl", self.lease_ttl),
            ("orphan_wait", self.orphan_wait),
            ("late_read", self.late_read),
            ("heartbeat", self.heartbeat),
            ("death_detection", self.death_detection),
            ("escrow_wait", self.escrow_wait),
            ("max_clock_skew", self.max_clock_skew),
            ("registration_pause", self.registration_pause),
            ("unlabelled_window", self.unlabelled_window),
            ("attempts_kept", self.attempts_kept),
            ("warm_for", self.warm_for),
            ("suspect_confirm_after", self.suspect_confirm_after),
            ("retry_base", self.retry_base),
            ("retry_cap", self.retry_cap),
            ("probe_cap", self.probe_cap),
            ("tick", self.tick),
            ("authorization_life", self.authorization_life),
            ("default_wait", self.default_wait),
        ]
    }

    /// What the middle goes by.
    pub fn timing(&self) -> Timing {
        Timing {
            attempt_budget: self.connect_timeout.saturating_add(self.provider_timeout),
            lease_ttl: self.lease_ttl,
            orphan_wait: self.orphan_wait,
            late_read: self.late_read,
            heartbeat: self.heartbeat,
            death_detection: self.death_detection,
            escrow_wait: self.escrow_wait,
            max_clock_skew: self.max_clock_skew,
            registration_pause: self.registration_pause,
            unlabelled_window: self.unlabelled_window,
            attempts_kept: self.attempts_kept,
            warm_for: self.warm_for,
            expiry_notices: self.expiry_notices.iter().map(|notice| **notice).collect(),
            suspect_confirm_after: self.suspect_confirm_after,
            retry_base: self.retry_base,
            retry_cap: self.retry_cap,
            probe_cap: self.probe_cap,
            tick: self.tick,
            max_in_flight: self.max_in_flight,
            authorization_life: self.authorization_life,
            default_wait: self.default_wait,
        }
    }

    /// What outgoing calls go by.
    pub fn egress(&self) -> EgressConfig {
        EgressConfig {
            connect_timeout: self.connect_timeout,
            // An answer that comes after `provider_timeout` is not waited for, and still read.
            total_timeout: self.late_read,
            ..EgressConfig::default()
        }
    }
}
