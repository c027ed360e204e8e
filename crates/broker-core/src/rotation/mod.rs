//! Rotation: presenting a refresh token once, and keeping what comes back whatever happens.
//!
//! claim -> SENT -> bytes -> escrow -> adopt. The words and rules are those of `docs/rotation.md`.

mod abandoned;
mod account;
mod adoption;
mod answers;
mod base_url;
mod by_grant;
mod conclusion;
mod escrowed;
mod expiry;
mod fence;
mod flights;
mod grace;
mod late;
mod losses;
mod new_lineage;
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
pub(crate) mod samples;
mod secrets;
mod settlement;
mod story;
mod tally;
mod trigger;

pub(crate) use self::conclusion::RefusedClient;
pub(crate) use self::escrowed::EscrowCounts;
pub use self::escrowed::EscrowLoad;
pub(crate) use self::flights::{Flight, Flights, Rotated, RotationError};
pub use self::losses::Losses;
pub(crate) use self::patience::Patience;
pub(crate) use self::presentation::{Answer, NotSent};
pub(crate) use self::presenting::PresentingSet;
pub use self::recovery::Recovered;
pub(crate) use self::replay::Unsettled;
pub(crate) use self::story::Story;
pub use self::tally::AttemptCount;
pub(crate) use self::tally::Tally;
pub(crate) use self::trigger::Trigger;
