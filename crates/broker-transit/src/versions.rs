//! Versions of the key that were met since the start.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use broker_core::Timestamp;

/// How long the newest version is taken for the newest: as long as a key file is not read again.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What is known of versions.
#[derive(Debug, Default)]
pub(crate) struct Versions(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    all: BTreeSet<u32>,
    /// When the service last named the one that encrypts.
    at: Option<Timestamp>,
}

impl Versions {
    /// Takes note of a version that the service named as the one that encrypts.
    pub(crate) fn meet(&self, version: u32, now: Timestamp) {
        let mut met = self.met();
        met.all.insert(version);
        met.at = Some(now);
    }

    /// Every version met, oldest first.
    pub(crate) fn all(&self) -> Vec<u32> {
        self.met().all.iter().copied().collect()
    }

    /// The newest, if the service named one not long ago. Answers overtake each other, but versions only grow.
    pub(crate) fn recent(&self, now: Timestamp) -> Option<u32> {
        let met = self.met();
        met.at.filter(|at| now.since(*at) < LOOK_EVERY).and(met.all.last().copied())
    }

    /// Whether the service has named any.
    pub(crate) fn are_known(&self) -> bool {
        self.met().at.is_some()
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
