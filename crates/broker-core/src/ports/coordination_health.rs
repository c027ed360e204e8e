//! How the backend that replicas coordinate through is, for health and metrics. Nothing is decided by it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Timestamp;

/// The state of the coordination backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoordinationState {
    /// It answers. Always so in one process.
    Healthy,
    /// It does not; the store alone decides.
    Degraded {
        /// Since when.
        since: Timestamp,
        /// A short name of the last error, such as `timeout`.
        problem: &'static str,
    },
}

/// What can be wrong with the coordination of replicas without any grant being at risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoordinationSnapshot {
    /// The state.
    pub state: CoordinationState,
    /// Lease requests that were not answered, since the start.
    pub lease_errors: u64,
    /// Times in which news of other replicas may have been missed, since the start.
    pub wakeup_gaps: u64,
    /// News that other replicas were not told of, since the start.
    pub wakeups_lost: u64,
    /// Budget requests that were answered from the local share, since the start.
    pub budget_fallbacks: u64,
}

/// Written by the coordination backend, read by whoever reports.
#[derive(Debug)]
pub struct CoordinationHealth {
    state: Mutex<CoordinationState>,
    lease_errors: AtomicU64,
    wakeup_gaps: AtomicU64,
    wakeups_lost: AtomicU64,
    budget_fallbacks: AtomicU64,
}

impl Default for CoordinationHealth {
    fn default() -> Self {
        Self {
            state: Mutex::new(CoordinationState::Healthy),
            lease_errors: AtomicU64::default(),
            wakeup_gaps: AtomicU64::default(),
            wakeups_lost: AtomicU64::default(),
            budget_fallbacks: AtomicU64::default(),
        }
    }
}

impl CoordinationHealth {
    /// How things are.
    pub fn snapshot(&self) -> CoordinationSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CoordinationSnapshot {
            state: *self.state.lock().unwrap_or_else(PoisonError::into_inner),
            lease_errors: read(&self.lease_errors),
            wakeup_gaps: read(&self.wakeup_gaps),
            wakeups_lost: read(&self.wakeups_lost),
            budget_fallbacks: read(&self.budget_fallbacks),
        }
    }

    /// The backend works (`None`) or has this problem. `true`: it went from one to the other.
    pub fn set(&self, problem: Option<&'static str>, now: Timestamp) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        *state = match (problem, before) {
            (None, _) => CoordinationState::Healthy,
            (Some(problem), CoordinationState::Degraded { since, .. }) => {
                CoordinationState::Degraded { since, problem }
            }
            (Some(problem), CoordinationState::Healthy) => {
                CoordinationState::Degraded { since: now, problem }
            }
        };
        (before == CoordinationState::Healthy) != problem.is_none()
    }

    /// Counts a lease request that was not answered.
    pub fn count_lease_error(&self) {
        self.lease_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a time in which news may have been missed.
    pub fn count_wakeup_gap(&self) {
        self.wakeup_gaps.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts news that other replicas were not told of.
    pub fn count_lost_wakeup(&self) {
        self.wakeups_lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a budget request that was answered from the local share.
    pub fn count_budget_fallback(&self) {
        self.budget_fallbacks.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degraded_lasts_from_the_first_problem_and_names_the_last() {
        let health = CoordinationHealth::default();
        let at = Timestamp::from_unix_seconds;
        assert!(!health.set(None, at(0)));
        assert!(health.set(Some("timeout"), at(1)));
        assert!(!health.set(Some("unreachable"), at(2)));
        let degraded = CoordinationState::Degraded { since: at(1), problem: "unreachable" };
        assert_eq!(health.snapshot().state, degraded);
        assert!(health.set(None, at(3)));
        assert_eq!(health.snapshot().state, CoordinationState::Healthy);
    }
}
