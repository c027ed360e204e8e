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
mod base_urls;
mod consent;
mod crashes;
mod deletion;
mod device;
mod elsewhere;
mod exhaustive;
mod fakes;
mod flaky_store;
mod forgotten;
mod hanging_up;
mod imports;
mod journals;
mod key_rotation;
mod leases;
mod minting;
mod nonces;
mod pauses;
mod planned_store;
mod receiver;
mod reconsent;
mod records;
mod recovery;
mod rejected;
mod replay;
mod requests;
mod revocation;
mod rotation;
mod scheduler;
mod scheduler_load;
mod seals;
mod secrets;
mod store_away;
mod vend;
mod watch;
mod webhooks;
mod windows;
mod world;
