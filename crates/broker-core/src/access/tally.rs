//! How many calls were refused, or would have been.

use std::sync::atomic::{AtomicU64, Ordering};

use super::AccessAction;

/// What became of a call that its policies do not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was denied.
    Denied,
    /// It was over its rate, and refused.
    RateLimited,
    /// Shadow mode let it pass.
    Shadowed,
}

/// So many calls of one action had one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessCount {
    /// The action.
    pub action: AccessAction,
    /// `denied`, `rate_limited` or `shadowed` (would have been one of both).
    pub outcome: &'static str,
    /// How many, since the process began.
    pub count: u64,
}

const OUTCOMES: [Outcome; 3] = [Outcome::Denied, Outcome::RateLimited, Outcome::Shadowed];

#[derive(Debug, Default)]
pub(super) struct Tally([[AtomicU64; OUTCOMES.len()]; AccessAction::ALL.len()]);

impl Tally {
    pub(super) fn count(&self, action: AccessAction, outcome: Outcome) {
        self.0[action as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Vec<AccessCount> {
        let of_action = |action: AccessAction| {
            OUTCOMES.map(|outcome| AccessCount {
                action,
                outcome: outcome.as_str(),
                count: self.0[action as usize][outcome as usize].load(Ordering::Relaxed),
            })
        };
        AccessAction::ALL.into_iter().flat_map(of_action).collect()
    }
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::RateLimited => "rate_limited",
            Self::Shadowed => "shadowed",
        }
    }
}
