//! Rotation: presenting a refresh token once, and keeping what comes back whatever happens.
//!
//! claim -> SENT -> bytes -> escrow -> adopt. The words and rules are those of `docs/rotation.md`.

mod adoption;
mod conclusion;
mod flights;
mod presentation;
mod recovery;
mod refresh;
mod settlement;

pub(crate) use self::adoption::Standing;
pub(crate) use self::flights::{Flight, Flights, Rotated, RotationError};
pub(crate) use self::presentation::{Answer, NotSent};
pub use self::recovery::Recovered;
