//! The only door to the local journal of sealed provider responses.
//!
//! A response is written here before it is read, so that what a provider answered survives the death of the
//! process, whatever becomes of the store. The journal is a directory of segments. Each run writes segments of
//! its own and finds those of earlier runs at its start.

mod error;
mod escrow_id;
mod file_escrow;
mod journal;
mod limits;
mod lock;
mod record;
mod scan;
mod segment;

pub use error::OpenError;
pub use escrow_id::EscrowId;
pub use file_escrow::FileEscrow;
pub use limits::Limits;
