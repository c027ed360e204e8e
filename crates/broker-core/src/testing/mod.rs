//! What tests of this crate and of its adapters share.

pub mod audit_log;
pub mod conformance;
pub mod lease_suite;
mod manual_clock;

pub use manual_clock::ManualClock;
