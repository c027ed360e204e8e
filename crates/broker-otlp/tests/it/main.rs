//! Delivery to collectors that do not behave.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collectors;
mod delivery;
mod told;
