//! A house for black-box tests: simulators of both providers, a broker in front of them, and typed clients.
//!
//! The broker runs in this process on a clock that is moved by hand, or as a child process that can be killed. A
//! house that is closed checks what must hold after any test: no attempt is left open, and no secret that passed
//! through stands in a log.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and this is what tests are made of"
)]

pub mod access;
pub mod authority;
pub mod bench;
pub mod canary;
mod child;
pub mod client;
mod clock;
pub mod collector;
mod dice;
pub mod fleet;
pub mod house;
pub mod http;
mod logs;
mod port;
mod program;
mod provider;
pub mod raw;
mod recorder;
mod settings;
mod store;
pub mod workshop;

pub use child::BrokerProcess;
pub use client::{Answer, Client, ask};
pub use clock::HandClock;
pub use collector::Collector;
pub use dice::Dice;
pub use fleet::{Fleet, Site};
pub use house::House;
pub use program::{LONGEST_WAIT, Program};
pub use provider::Provider;
pub use recorder::Recorder;
