//! The embedded default store: one SQLite file, or memory.
//!
//! One connection writes, each step of the rotation protocol in a `BEGIN IMMEDIATE` transaction that it may share with
//! others of its time, and a few connections read. A commit returns once it is on disk (WAL, `synchronous = FULL`). One process at a
//! time may have a file open.

mod access;
mod audit;
mod batch;
mod columns;
mod consents;
mod deletions;
mod events;
mod fleet;
mod grants;
mod history;
mod inbox;
mod keys;
mod ledger;
mod lock;
mod machine_credentials;
mod migrations;
mod open;
mod operation;
mod polls;
mod quotas;
mod requests;
mod revocations;
mod scheduler;
mod sealed;
mod tenants;
mod webhooks;

pub use open::{OpenError, SqliteLocation, SqliteStore};
