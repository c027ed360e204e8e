//! What the store promises its callers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod batches;
mod epochs;
mod foreign_text;
mod inventory;
mod isolation;
mod logins;
mod rotation_requests;
mod schema;
mod stores;
mod tampering;

mod postgres {
    use crate::stores::InPostgres;

    broker_core::store_conformance!(InPostgres);
    broker_core::durable_store_conformance!(InPostgres);
}
