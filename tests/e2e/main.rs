//! What the token broker promises, asked over gRPC and from its command line.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod access;
mod admin;
mod audit;
mod auth;
mod backup;
mod batch;
mod canary;
mod command_line;
mod crash;
mod dev;
mod errors;
mod fleet;
mod hardening;
mod health;
mod key_rotation;
mod parity;
mod registrations;
mod revocation;
mod roles;
mod scheduler;
mod single_flight;
mod transit;
mod vend;

/// The broker, built along with this test.
const BINARY: &str = env!("CARGO_BIN_EXE_token_broker_under_test");
