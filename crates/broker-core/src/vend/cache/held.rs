//! What a replica holds of a grant, and how sure it is of that.

use std::ops::Deref;
use std::sync::Arc;

use crate::BrokerError;
use crate::ports::VendableGrant;

/// A grant to vend from.
#[derive(Debug, Clone)]
pub(crate) struct HeldGrant {
    row: Arc<VendableGrant>,
    blind: bool,
}

/// What is held of a grant may be old.
#[derive(Debug, thiserror::Error)]
#[error("the store does not answer, and what is held of the grant may be old")]
struct Blind;

impl HeldGrant {
    pub(super) fn new(row: Arc<VendableGrant>, blind: bool) -> Self {
        Self { row, blind }
    }

    /// What was read.
    pub(crate) fn row(&self) -> &Arc<VendableGrant> {
        &self.row
    }

    /// The same.
    pub(crate) fn into_row(self) -> Arc<VendableGrant> {
        self.row
    }

    /// It may have changed since it was read, and the store does not answer.
    pub(crate) fn is_blind(&self) -> bool {
        self.blind
    }

    /// For what must not be judged by an old row. Fails with `BackendUnavailable`.
    pub(crate) fn not_blind(self) -> Result<Self, BrokerError> {
        match self.blind {
            true => Err(BrokerError::BackendUnavailable(Box::new(Blind))),
            false => Ok(self),
        }
    }
}

impl Deref for HeldGrant {
    type Target = VendableGrant;

    fn deref(&self) -> &VendableGrant {
        &self.row
    }
}
