//! Runs the real `brokerctl` against a broker that answers from a script.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers too")]

mod consent;
mod ctl;
mod delete_tenant;
mod errors;
mod fake_broker;
mod grants;
mod health;
mod registrations;
mod revoke;
mod shell;
mod token;
