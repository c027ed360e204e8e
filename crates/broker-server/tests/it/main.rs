//! Runs the real `token-broker`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers too")]

mod access;
mod broker;
mod configuration;
mod contract;
#[cfg(feature = "dev")]
mod dev;
mod keys;
mod stopping;
