//! Runs the real `brokerctl` against a broker that answers from a script.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers too")]

mod connection;
mod consent;
mod credentials;
mod ctl;
mod delete_tenant;
mod device;
mod errors;
mod fake_broker;
mod grants;
mod health;
mod import;
mod keys;
mod policies;
mod providers;
mod registrations;
mod revoke;
mod runbooks;
mod scheduler;
mod secrets;
mod shell;
mod tenants;
mod token;
mod webhooks;
mod yaml;
