//! The only door to the local journal of sealed provider responses.
//!
//! A response is written here before it is read, so that what a provider answered survives the death of the
//! process, whatever becomes of the store. The journal is a directory of segments. Each run writes segments of
//! its own and finds those of earlier runs at its start.

mod attempt;
mod compaction;
#[cfg(test)]
mod compaction_tests;
mod directory;
mod error;
mod escrow_id;
mod file_escrow;
mod flush;
mod frame;
mod inspect;
mod journal;
mod limits;
mod lock;
mod newest;
mod reader;
mod record;
mod scan;
mod segment;
mod source;
mod step;
#[cfg(test)]
mod testing;
mod tidy;
mod walk;

pub use error::{InspectError, OpenError};
pub use file_escrow::FileEscrow;
pub use inspect::{Inspection, RecordHead, inspect};
pub use limits::Limits;
