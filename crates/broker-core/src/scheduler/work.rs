//! A due grant as the scheduler weighs it.

use crate::Timestamp;
use crate::ports::DueGrant;

/// One rotation to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) due: DueGrant,
    /// Not before this time: what was read ahead starts when it is due, not with the tick.
    pub(crate) start_at: Timestamp,
    /// By when it should have ended.
    pub(crate) deadline: Timestamp,
    /// Its last try failed.
    pub(crate) retry: bool,
}

impl Work {
    pub(crate) fn new(due: DueGrant, retry: bool) -> Self {
        Self { start_at: due.due_at, deadline: deadline(&due), retry: retry && !due.undecided, due }
    }
}

/// The end of the token held or of the grant, whichever comes first. Doubt is urgent: a provider's grace may run out.
fn deadline(due: &DueGrant) -> Timestamp {
    match due.undecided {
        true => due.due_at,
        false => due.dies_at.map_or(due.expires_at, |dies| dies.min(due.expires_at)),
    }
}
