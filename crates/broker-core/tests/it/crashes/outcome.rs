//! What the table promises for every point, mode, and one crash or two. Deviations are failures.

use broker_core::ConsentCause;
use broker_core::ConsentCause::LostRotation;

use super::modes::Mode;
use super::points::Point;

/// What becomes of the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It lives, at this generation.
    Kept(u64),
    /// The user is asked again, for this reason.
    Lost(ConsentCause),
}

use Fate::{Kept, Lost};

/// What can be seen of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) fate: Fate,
    /// How often the refresh token of the first crash reached the provider.
    pub(crate) presented: u32,
    /// How long after the first crash it was settled.
    pub(crate) seconds: u64,
    /// How its attempts ended, in order.
    pub(crate) endings: Vec<&'static str>,
}

/// One line: fate, presentations, seconds, endings.
pub(crate) type Line = (Fate, u32, u64, &'static [&'static str]);

impl From<Line> for Outcome {
    fn from((fate, presented, seconds, endings): Line) -> Self {
        Self { fate, presented, seconds, endings: endings.to_vec() }
    }
}

/// After one crash, and after two.
pub(crate) fn expected(point: Point, mode: Mode) -> [Line; 2] {
    match point {
        Point::BeforeTheClaim => [(Kept(2), 1, 0, &["adopted"]); 2],
        // A dead holder's lease is respected for 5 s.
        Point::LeaseHeldOnly => [(Kept(2), 1, 5, &["adopted"]), (Kept(2), 1, 10, &["adopted"])],
        Point::ClaimedNotSent => {
            [(Kept(2), 1, 5, &["unsent", "adopted"]), (Kept(2), 1, 10, &["unsent", "unsent", "adopted"])]
        }
        Point::SentAndNotAtTheProvider => never_arrived(mode),
        Point::AnswerInFlight | Point::BodyInMemory => answer_lost(mode),
        Point::EscrowedNotCommitted | Point::CommittedNotAcknowledged => {
            [(Kept(2), 1, 0, &["adopted"]), (Kept(2), 1, 0, &["adopted"])]
        }
        // The second crash is over the next refresh, which goes on without the dead lease.
        Point::LeaseNotGivenBack => [(Kept(2), 1, 0, &["adopted"]), (Kept(2), 1, 5, &["adopted", "unsent"])],
    }
}

const DOUBT: &[&str] = &["uncertain", "adopted"];
const DOUBTS: &[&str] = &["uncertain", "uncertain", "adopted"];
const LOSS: &[&str] = &["uncertain", "lost_rotation"];
const LATER_LOSS: &[&str] = &["uncertain", "uncertain", "lost_rotation"];

/// C3: whoever presents the token next is the first, and nothing is lost.
fn never_arrived(mode: Mode) -> [Line; 2] {
    match mode {
        // The orphan wait, and twice that after a second doubt.
        Mode::RevokeFamily => [(Kept(2), 1, 120, DOUBT), (Kept(2), 1, 360, DOUBTS)],
        // The usual retries: within 5 s, then within 10 s.
        Mode::Reject => [(Kept(2), 1, 5, DOUBT), (Kept(2), 1, 15, DOUBTS)],
        // At once, then within 10 s.
        Mode::Grace => [(Kept(2), 1, 0, DOUBT), (Kept(2), 1, 10, DOUBTS)],
        // As long as a dead holder's lease is respected, which is longer than the retry.
        Mode::Reusable => [(Kept(2), 1, 5, DOUBT), (Kept(2), 1, 10, DOUBTS)],
    }
}

/// C4 and C5: without a grace nobody knows the successor.
fn answer_lost(mode: Mode) -> [Line; 2] {
    match mode {
        Mode::RevokeFamily => [(Lost(LostRotation), 2, 120, LOSS), (Lost(LostRotation), 3, 360, LATER_LOSS)],
        Mode::Reject => [(Lost(LostRotation), 2, 5, LOSS), (Lost(LostRotation), 3, 15, LATER_LOSS)],
        Mode::Grace => [(Kept(2), 2, 0, DOUBT), (Kept(2), 3, 10, DOUBTS)],
        Mode::Reusable => [(Kept(2), 2, 5, DOUBT), (Kept(2), 3, 10, DOUBTS)],
    }
}
