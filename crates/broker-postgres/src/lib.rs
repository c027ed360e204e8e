//! The production store: Postgres 15 or later.
//!
//! Each step of the rotation protocol is one statement: claims, SENT marks and adoptions are calls of functions that
//! stand in `migrations/postgres`, and those asked for at the same time share one call and one commit. Nothing is kept
//! open between two round trips. Several brokers may share a database.

mod access;
mod audit;
mod batch;
mod columns;
mod condemned;
mod consents;
mod database_role;
mod deletions;
mod events;
mod fleet;
mod grants;
mod inbox;
mod isolation;
mod keys;
mod ledger;
mod machine_credentials;
mod migrations;
mod open;
mod operation;
mod polls;
mod pools;
mod process_role;
mod quotas;
mod requests;
mod revocations;
mod rotation_requests;
mod scheduler;
mod scope;
mod sealed;
mod tenants;
mod webhooks;

pub use migrations::migrate;
pub use open::{OpenError, OpenOptions, PostgresStore, check_url};
pub use pools::Connections;
pub use process_role::ProcessRole;
