//! Faults: what goes wrong between a provider and its clients, on request.

mod body;
mod fault;
mod queue;

pub use body::{FaultBody, RetryAfter};
pub use fault::{Effect, Fault, Times, When};
pub use queue::Faults;

pub(crate) use body::Failure;
