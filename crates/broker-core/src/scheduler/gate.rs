//! Whether a provider is called at all: its own word (Retry-After) and a circuit breaker.

use std::time::Duration;

use super::standing::{BreakerStanding, BreakerState};
use crate::schedule::retry_delay;
use crate::{FailureKind, ProviderFailure, Timestamp};

/// So many failures in a row, with no answer between them, open the breaker.
const OPENS_AT: u32 = 5;

/// Longer than this no provider is left alone because of one answer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Why a breaker opened.
const FAILING: &str = "several calls in a row were not answered, or throttled";

/// Whether calls may be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// They may.
    Open,
    /// Not before this time.
    ClosedUntil(Timestamp),
}

impl Gate {
    pub(super) fn until(until: Option<Timestamp>, now: Timestamp) -> Self {
        match until {
            Some(until) if until > now => Self::ClosedUntil(until),
            _ => Self::Open,
        }
    }

    /// Open only if both are.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::ClosedUntil(a), Self::ClosedUntil(b)) => Self::ClosedUntil(a.max(b)),
            (Self::Open, other) => other,
            (closed, Self::Open) => closed,
        }
    }
}

/// The times of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GateRules {
    /// The pause when the breaker opens; doubles with each trial that fails.
    pub(crate) pause: Duration,
    /// The longest pause.
    pub(crate) longest_pause: Duration,
    /// How long a trial is waited for; longer than an attempt.
    pub(crate) trial: Duration,
}

/// One provider's gate.
#[derive(Debug, Default)]
pub(super) struct ProviderGate {
    rest: Option<Rest>,
    breaker: Breaker,
}

/// The provider asked to be left alone.
#[derive(Debug, Clone, Copy)]
struct Rest {
    since: Timestamp,
    until: Timestamp,
}

#[derive(Debug, Clone, Copy)]
enum Breaker {
    Closed {
        failures: u32,
    },
    Open {
        since: Timestamp,
        until: Timestamp,
        trials: u32,
    },
    /// One call has been let through; what it brings decides.
    HalfOpen {
        since: Timestamp,
        until: Timestamp,
        trials: u32,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl ProviderGate {
    /// How the gate stands.
    pub(super) fn gate(&self, now: Timestamp) -> Gate {
        let breaker = match self.breaker {
            Breaker::Closed { .. } => None,
            Breaker::Open { until, .. } | Breaker::HalfOpen { until, .. } => Some(until),
        };
        Gate::until(self.rest.map(|rest| rest.until), now).and(Gate::until(breaker, now))
    }

    /// The same, for operators. A breaker whose pause is over waits for the call that tries it.
    pub(super) fn standing(&self, now: Timestamp) -> BreakerStanding {
        let resting = self.rest.filter(|rest| rest.until > now);
        match (self.breaker, resting) {
            (Breaker::Closed { .. }, None) => BreakerStanding::closed(),
            (Breaker::Closed { .. }, Some(rest)) => {
                BreakerStanding::of(BreakerState::Open, rest.since, rest.until, "it asks to be left alone")
            }
            (Breaker::Open { since, until, .. }, _) if until > now => {
                let until = resting.map_or(until, |rest| rest.until.max(until));
                BreakerStanding::of(BreakerState::Open, since, until, FAILING)
            }
            (Breaker::Open { since, until, .. } | Breaker::HalfOpen { since, until, .. }, _) => {
                let standing = BreakerStanding::of(BreakerState::HalfOpen, since, until, FAILING);
                BreakerStanding { retry_at: standing.retry_at.filter(|until| *until > now), ..standing }
            }
        }
    }

    /// Whether an open gate is open for one call only: the breaker's trial.
    pub(super) fn on_trial(&self) -> bool {
        !matches!(self.breaker, Breaker::Closed { .. })
    }

    /// Passes one call if the gate is open. The first one after a pause is the trial that the others wait for.
    pub(super) fn admit(&mut self, now: Timestamp, rules: GateRules) -> Gate {
        let gate = self.gate(now);
        if let (Gate::Open, Breaker::Open { since, trials, .. } | Breaker::HalfOpen { since, trials, .. }) =
            (gate, self.breaker)
        {
            self.breaker = Breaker::HalfOpen { since, until: now + rules.trial, trials };
        }
        gate
    }

    /// The provider answered, whatever it said.
    pub(super) fn answered(&mut self) {
        self.breaker = Breaker::default();
    }

    pub(super) fn failed(&mut self, failure: &ProviderFailure, now: Timestamp, rules: GateRules, draw: f64) {
        if !counts(failure.kind) {
            return self.answered();
        }
        let open = |since, trials| {
            let pause = retry_delay(trials, rules.pause, rules.longest_pause, draw);
            Breaker::Open { since, until: now + pause, trials }
        };
        self.breaker = match self.breaker {
            Breaker::Closed { failures } if failures + 1 < OPENS_AT => {
                Breaker::Closed { failures: failures + 1 }
            }
            Breaker::Closed { .. } => open(now, 1),
            Breaker::HalfOpen { since, trials, .. } => open(since, trials.saturating_add(1)),
            // Sent before the breaker opened: nothing new.
            unchanged @ Breaker::Open { .. } => unchanged,
        };
    }

    /// A call that passed is over. Had it been made, a trial would have been decided.
    pub(super) fn ended(&mut self, now: Timestamp) {
        if let Breaker::HalfOpen { since, trials, .. } = self.breaker {
            self.breaker = Breaker::Open { since, until: now, trials };
        }
    }

    /// The provider asks to be left alone for so long.
    pub(super) fn rest(&mut self, pause: Duration, now: Timestamp) {
        let until = now + pause.min(LONGEST_RETRY_AFTER);
        self.rest = Some(match self.rest {
            Some(rest) if rest.until > now => Rest { until: rest.until.max(until), ..rest },
            _ => Rest { since: now, until },
        });
    }
}

/// The failures of a provider, as against those of a token or a client.
pub(super) fn counts(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Unreachable | FailureKind::Uncertain | FailureKind::Throttled => true,
        FailureKind::DeadToken
        | FailureKind::ClientRejected
        | FailureKind::UnlabelledRefusal
        | FailureKind::Refused
        | FailureKind::Internal => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::at;
    use super::*;

    const RULES: GateRules = GateRules {
        pause: Duration::from_secs(5),
        longest_pause: Duration::from_secs(300),
        trial: Duration::from_secs(60),
    };

    fn fail(gate: &mut ProviderGate, now: Timestamp) {
        gate.failed(&ProviderFailure::of(FailureKind::Uncertain), now, RULES, 1.0);
    }

    fn opened() -> ProviderGate {
        let mut gate = ProviderGate::default();
        for _ in 0..OPENS_AT {
            assert_eq!(gate.gate(at(0)), Gate::Open);
            fail(&mut gate, at(0));
        }
        gate
    }

    #[test]
    fn failures_in_a_row_open_the_breaker_and_one_trial_passes_after_the_pause() {
        let mut gate = opened();
        assert_eq!(gate.admit(at(4), RULES), Gate::ClosedUntil(at(5)));
        assert_eq!(gate.admit(at(5), RULES), Gate::Open);
        assert_eq!(gate.admit(at(5), RULES), Gate::ClosedUntil(at(65)), "the trial is waited for");
        gate.answered();
        assert_eq!(gate.admit(at(6), RULES), Gate::Open);
    }

    #[test]
    fn the_pause_doubles_with_each_failed_trial_up_to_its_cap() {
        let (mut gate, mut now) = (opened(), at(5));
        let mut pauses = vec![];
        for _ in 0..8 {
            assert_eq!(gate.admit(now, RULES), Gate::Open);
            fail(&mut gate, now);
            let Gate::ClosedUntil(until) = gate.gate(now) else { panic!("open after a failed trial") };
            pauses.push(until.since(now).as_secs());
            now = until;
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn a_trial_that_is_never_heard_of_again_does_not_close_the_gate_for_good() {
        let mut gate = opened();
        assert_eq!(gate.admit(at(5), RULES), Gate::Open);
        assert_eq!(gate.admit(at(65), RULES), Gate::Open);
    }

    #[test]
    fn an_operator_sees_since_when_and_until_when_it_is_shut() {
        let mut gate = opened();
        let seen = |gate: &ProviderGate, seconds| {
            let standing = gate.standing(at(seconds));
            (standing.state, standing.opened_at, standing.retry_at)
        };
        assert_eq!(seen(&gate, 1), (BreakerState::Open, Some(at(0)), Some(at(5))));
        assert_eq!(seen(&gate, 5), (BreakerState::HalfOpen, Some(at(0)), None), "its trial may be made");
        gate.admit(at(5), RULES);
        assert_eq!(seen(&gate, 6), (BreakerState::HalfOpen, Some(at(0)), Some(at(65))));
        fail(&mut gate, at(7));
        assert_eq!(seen(&gate, 8), (BreakerState::Open, Some(at(0)), Some(at(17))));
        gate.answered();
        assert_eq!(seen(&gate, 9), (BreakerState::Closed, None, None));
        gate.rest(Duration::from_secs(30), at(10));
        assert_eq!(seen(&gate, 11), (BreakerState::Open, Some(at(10)), Some(at(40))));
    }

    #[test]
    fn what_a_provider_says_about_a_token_is_an_answer() {
        let mut gate = ProviderGate::default();
        for _ in 0..3 {
            for _ in 1..OPENS_AT {
                fail(&mut gate, at(0));
            }
            gate.failed(&ProviderFailure::of(FailureKind::DeadToken), at(0), RULES, 1.0);
        }
        assert_eq!(gate.gate(at(0)), Gate::Open);
    }

    #[test]
    fn a_provider_is_left_alone_as_long_as_it_asks_and_no_longer_than_an_hour() {
        let mut gate = ProviderGate::default();
        gate.rest(Duration::from_secs(30), at(0));
        gate.rest(Duration::from_secs(10), at(0));
        assert_eq!(gate.gate(at(0)), Gate::ClosedUntil(at(30)));
        assert_eq!(gate.gate(at(30)), Gate::Open);
        gate.rest(Duration::MAX, at(0));
        assert_eq!(gate.gate(at(0)), Gate::ClosedUntil(at(3600)));
    }
}
