//! The middle, with a scripted provider, a real store in memory, and a clock that is moved by hand.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the whole crate is a test; helpers fail like tests do"
)]
#![expect(clippy::disallowed_methods, reason = "tests stand in for callers, whom nobody tracks")]

mod abandoned;
mod access;
mod administer;
mod adoption_door;
mod consent;
mod crashes;
mod deletion;
mod elsewhere;
mod exhaustive;
mod fakes;
mod flaky_store;
mod forgotten;
mod hanging_up;
mod journals;
mod key_rotation;
mod leases;
mod nonces;
mod pauses;
mod planned_store;
mod records;
mod recovery;
mod replay;
mod requests;
mod revocation;
mod rotation;
mod scheduler;
mod scheduler_load;
mod seals;
mod secrets;
mod vend;
mod world;
