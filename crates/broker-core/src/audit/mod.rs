//! The audit log: who did what to whose grants, and what the broker did by itself.
//!
//! A change of state writes its record in its own transaction; vends and failures are written by a [`Recorder`]. A
//! [`Sealer`] chains records shortly after they were written.

mod action;
mod actor;
mod chain;
mod checkpoints;
mod count;
mod kept;
mod keys;
mod list;
mod record;
mod recorder;
mod sealer;
mod sealing;
mod seen;
mod settings;
mod sink;
mod verify;
mod writer;

pub use action::AuditAction;
pub use actor::Actor;
pub use chain::{CHECKPOINT_EVERY, ChainMark, ChainedRecord, INSTALLATION};
pub use count::{AuditCount, RecorderCount};
pub use kept::KeptRecord;
pub use keys::AuditKeys;
pub(crate) use keys::NO_TENANT;
pub use record::{AuditOutcome, AuditRecord, TokenFingerprint};
pub use recorder::Recorder;
pub use sealer::Sealer;
pub use settings::{RecorderSettings, VendRecording};
pub use sink::AuditSink;
pub use verify::{AuditDefect, AuditRange, AuditVerdict, BrokenRecord};
pub use writer::Writers;
