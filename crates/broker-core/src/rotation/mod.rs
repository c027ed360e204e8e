//! Rotation: presenting a refresh token once, and keeping what comes back whatever happens.
//!
//! claim -> SENT -> bytes -> escrow -> adopt. The words and rules are those of `docs/rotation.md`.

mod abandoned;
mod adoption;
mod answers;
mod by_grant;
mod conclusion;
mod fence;
mod flights;
mod grace;
mod late;
mod orphans;
mod patience;
mod presentation;
mod presenting;
mod progress;
mod recovery;
mod refresh;
mod replay;
mod replay_record;
mod requests;
#[cfg(test)]
mod samples;
mod secrets;
mod settlement;
mod tally;

pub(crate) use self::adoption::Standing;
pub(crate) use self::conclusion::RefusedClient;
pub(crate) use self::flights::{Flight, Flights, Rotated, RotationError};
pub(crate) use self::patience::Patience;
pub(crate) use self::presentation::{Answer, NotSent};
pub(crate) use self::presenting::PresentingSet;
pub use self::recovery::Recovered;
pub(crate) use self::replay::Unsettled;
pub use self::tally::AttemptCount;
pub(crate) use self::tally::Tally;
