//! The audit log: who did what to whose grants, and what the broker did by itself.
//!
//! A change of state writes its record in its own transaction. Records are chained shortly after they were written.

mod action;
mod actor;
mod record;

pub use action::AuditAction;
pub use actor::Actor;
pub use record::{AuditOutcome, AuditRecord, TokenFingerprint};
