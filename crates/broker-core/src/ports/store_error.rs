//! What a store can fail with. Nothing of a driver goes further than the source chain, for logs.

use std::error::Error;

/// A store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or did not answer in time; nothing is known to have changed.
    #[error("the store did not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A row breaks an invariant of the domain: a defect or a foreign hand.
    #[error("a stored row is inconsistent: {0}")]
    Inconsistent(&'static str),
}
