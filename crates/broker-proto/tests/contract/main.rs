//! What the contract promises, read from its descriptors.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers too")]

mod json;
mod redaction;
mod reflection;
mod rpcs;
