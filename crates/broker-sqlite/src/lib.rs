//! The embedded default store: one SQLite file, or memory.
//!
//! One connection writes, each step of the rotation protocol in one `BEGIN IMMEDIATE` transaction, and a
//! few connections read. A commit returns once it is on disk (WAL, `synchronous = FULL`). One process at a
//! time may have a file open.

mod columns;
mod consents;
mod grants;
mod lock;
mod migrations;
mod open;
mod operation;
mod tenants;

pub use open::{OpenError, SqliteLocation, SqliteStore};
