//! What tests of this crate and of its adapters share.

pub mod audit_log;
pub mod conformance;
pub mod lease_suite;
mod manual_clock;
mod memory_requests;
pub mod request_suite;

pub use manual_clock::ManualClock;
pub use memory_requests::MemoryRequests;
