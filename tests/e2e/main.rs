//! What the token broker promises, asked over gRPC and from its command line.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod abuse;
mod access;
mod admin;
mod audit;
mod auth;
mod backup;
mod base_url;
mod batch;
mod callback;
mod canary;
mod command_line;
mod crash;
mod dev;
mod device;
mod errors;
mod events;
mod examples;
mod ext_authz;
mod fleet;
mod hardening;
mod health;
mod key_rotation;
mod life;
mod lives;
mod machine_credentials;
mod metrics;
mod minted;
mod no_offline_access;
mod parity;
mod reconsent;
mod registrations;
mod revocation;
mod roles;
mod rust_client;
mod scheduler;
mod scope_upgrade;
mod single_flight;
mod telemetry;
mod third_party;
mod transit;
mod upgrade;
mod vend;
mod webhooks;

/// The broker, built along with this test.
const BINARY: &str = env!("CARGO_BIN_EXE_token_broker_under_test");
