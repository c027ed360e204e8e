//! The client against a stand-in of the service.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod clock;
mod crowd;
mod login;
mod outages;
mod setting;
mod versions;
