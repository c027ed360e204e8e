//! Who watches what.

use crate::Plan;

/// Who watches what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Each stream a grant of its own; grants are rotated in turn.
    Apart,
    /// All streams one grant, which is rotated once a second.
    Together,
}

impl Audience {
    /// The grant of each stream.
    pub(crate) fn grants(self, first: usize, plan: &Plan) -> Vec<usize> {
        (0..plan.streams).map(|stream| if self == Self::Apart { first + stream } else { first }).collect()
    }

    /// Rotations a second.
    pub(crate) fn rate(self, plan: &Plan) -> usize {
        if self == Self::Apart { plan.rate.max(1) } else { 1 }
    }

    pub(crate) fn streams_of_a_grant(self, plan: &Plan) -> usize {
        if self == Self::Apart { 1 } else { plan.streams }
    }
}
