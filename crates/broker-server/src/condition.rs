//! How this replica is: what works without which of its backends, for probes, health and metrics.

use std::sync::Arc;

use broker_core::ports::{CoordinationSnapshot, CoordinationState};
use broker_core::{Access, Barred};

use crate::audit::Audit;
use crate::auth::{Auth, Report};
use crate::coordination::Coordination;
use crate::engine::Engine;
use crate::listener::Slots;
use crate::measured::Measured;

/// Health's names of what the broker leans on, beside those of its services.
pub(crate) const STORE: &str = "store";
pub(crate) const LEASE: &str = "lease";
pub(crate) const REFRESH: &str = "refresh";

/// Reads the condition whenever it is asked.
#[derive(Clone)]
pub(crate) struct Conditions {
    pub(crate) engine: Engine,
    pub(crate) access: Arc<Access>,
    pub(crate) coordination: Coordination,
    pub(crate) auth: Arc<Auth>,
    pub(crate) audit: Audit,
    pub(crate) measured: Measured,
    /// Of both listeners.
    pub(crate) slots: [Arc<Slots>; 2],
}

/// The condition at one time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    /// The store answered when it was last needed.
    pub(crate) store_answers: bool,
    /// The backend of leases; `None` where they are kept in this process.
    pub(crate) lease: Option<CoordinationSnapshot>,
    /// Why nothing is refreshed.
    pub(crate) barred: Option<Barred>,
    /// Rotations are asked for elsewhere, and nobody takes them.
    pub(crate) no_rotator: bool,
    /// What callers and the broker itself are known by.
    pub(crate) auth: Report,
}

impl Conditions {
    pub(crate) fn now(&self) -> Condition {
        Condition {
            store_answers: !self.engine.store_is_away(),
            lease: self.coordination.snapshot(),
            barred: self.engine.barred(),
            no_rotator: self.engine.finds_no_rotator(),
            auth: self.auth.report(),
        }
    }
}

impl Condition {
    /// Whether leases, wake-ups and shared budgets work. Without them the store alone decides.
    pub(crate) fn lease_works(&self) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.state == CoordinationState::Healthy)
    }

    /// Whether what is due is refreshed, here or elsewhere.
    pub(crate) fn refresh_works(&self) -> bool {
        self.barred.is_none() && !self.no_rotator
    }

    /// One line for each, for people.
    pub(crate) fn lines(&self) -> String {
        let store = if self.store_answers { "ok" } else { "does not answer; what is cached is served" };
        let lease = match self.lease.as_ref().map(|lease| lease.state) {
            None | Some(CoordinationState::Healthy) => "ok".to_owned(),
            Some(CoordinationState::Degraded { problem, .. }) => {
                format!("degraded ({problem}); the store alone decides")
            }
        };
        let refresh = match self.barred {
            Some(barred) => format!("paused: {barred}"),
            None if self.no_rotator => "no rotator takes requests; tokens that live are served".to_owned(),
            None => "ok".to_owned(),
        };
        format!("{STORE}: {store}\n{LEASE}: {lease}\n{REFRESH}: {refresh}\n{}", self.auth.lines())
    }
}

#[cfg(test)]
mod tests {
    use broker_core::Timestamp;

    use super::*;
    use crate::auth::Credential;

    #[test]
    fn every_line_says_what_is_wrong_and_what_goes_on() {
        let well = Condition {
            store_answers: true,
            lease: None,
            barred: None,
            no_rotator: false,
            auth: Report::default(),
        };
        assert_eq!(well.lines(), "store: ok\nlease: ok\nrefresh: ok\n");
        let state =
            CoordinationState::Degraded { since: Timestamp::from_unix_seconds(0), problem: "timeout" };
        let lease = CoordinationSnapshot {
            state,
            lease_errors: 1,
            wakeup_gaps: 0,
            wakeups_lost: 0,
            budget_fallbacks: 0,
        };
        let stale = Credential { name: "jwks https://issuer.example".to_owned(), fresh: false };
        let ill = Condition {
            store_answers: false,
            lease: Some(lease),
            barred: Some(Barred::ClockSkew),
            no_rotator: false,
            auth: Report { credentials: vec![stale], ..Report::default() },
        };
        let lines = ill.lines();
        assert!(!ill.lease_works());
        for part in [
            "store: does not answer",
            "degraded (timeout)",
            "refresh: paused: this machine's clock",
            "jwks https://issuer.example: cannot be read anew",
        ] {
            assert!(lines.contains(part), "{lines}");
        }
    }
}
