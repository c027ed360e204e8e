//! The attempts whose presentation is under way in this process, late reading included.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::AttemptId;

/// A set that forgets an attempt when its task ends, however it ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct PresentingSet(Arc<Mutex<HashSet<AttemptId>>>);

impl PresentingSet {
    pub(crate) fn contains(&self, attempt: AttemptId) -> bool {
        self.set().contains(&attempt)
    }

    /// Holds the attempt until the answer is dropped.
    pub(crate) fn hold(&self, attempt: AttemptId) -> Presenting {
        self.set().insert(attempt);
        Presenting { set: self.clone(), attempt }
    }

    fn set(&self) -> MutexGuard<'_, HashSet<AttemptId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One presentation under way.
#[derive(Debug)]
pub(crate) struct Presenting {
    set: PresentingSet,
    attempt: AttemptId,
}

impl Drop for Presenting {
    fn drop(&mut self) {
        self.set.set().remove(&self.attempt);
    }
}
