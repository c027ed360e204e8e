//! What the store promises its callers, in memory and in a file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod epochs;
mod files;
mod inventory;
mod recording;
mod stores;
mod tampering;

mod memory {
    use crate::stores::InMemory;

    broker_core::store_conformance!(InMemory);
}

mod file {
    use crate::stores::InFile;

    broker_core::store_conformance!(InFile);
    broker_core::durable_store_conformance!(InFile);
}
