//! The journal: every request the simulator has seen, to assert on.

mod entry;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use entry::{Endpoint, Entry, Outcome};

/// A record of all requests, in memory. An entry is made when the request arrives and completed when it ends.
/// Clones show the same journal.
#[derive(Clone)]
pub struct Journal {
    entries: Arc<Mutex<Vec<Entry>>>,
    changes: watch::Sender<()>,
}

/// The awaited condition did not become true in time.
#[derive(Debug, thiserror::Error)]
#[error("the journal did not show what was awaited within {waited:?}; its last entry is {last:?}")]
pub struct WaitTimeout {
    waited: Duration,
    last: Option<Box<Entry>>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { entries: Arc::default(), changes: watch::Sender::new(()) }
    }

    /// All entries, in the order of arrival.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The newest entry.
    pub fn last(&self) -> Option<Entry> {
        self.lock().last().cloned()
    }

    /// How many entries satisfy the condition.
    pub fn count(&self, condition: impl Fn(&Entry) -> bool) -> usize {
        self.lock().iter().filter(|entry| condition(entry)).count()
    }

    /// How many refreshes the provider has carried out, told the client or not.
    pub fn refreshes(&self) -> usize {
        self.count(|entry| entry.endpoint == Endpoint::Refresh && entry.committed)
    }

    /// How many code exchanges the provider has carried out, told the client or not.
    pub fn exchanges(&self) -> usize {
        self.count(|entry| entry.endpoint == Endpoint::Exchange && entry.committed)
    }

    /// How often the refresh token of this serial was shown to the token endpoint.
    pub fn presentations(&self, serial: u64) -> usize {
        self.count(|entry| entry.endpoint == Endpoint::Refresh && entry.presented == Some(serial))
    }

    /// The largest number of times any one refresh token was shown to the token endpoint.
    pub fn max_presentations(&self) -> usize {
        let mut shown = HashMap::new();
        for entry in self.lock().iter().filter(|entry| entry.endpoint == Endpoint::Refresh) {
            if let Some(serial) = entry.presented {
                *shown.entry(serial).or_insert(0) += 1;
            }
        }
        shown.into_values().max().unwrap_or(0)
    }

    /// Waits until the condition holds. It is looked at now and after every change.
    ///
    /// # Errors
    /// [`WaitTimeout`] when it does not hold within `timeout`.
    pub async fn wait_for(
        &self,
        condition: impl Fn(&Self) -> bool,
        timeout: Duration,
    ) -> Result<(), WaitTimeout> {
        let mut changes = self.changes.subscribe();
        let awaited = async {
            while !condition(self) {
                if changes.changed().await.is_err() {
                    break;
                }
            }
        };
        let late = |_| WaitTimeout { waited: timeout, last: self.last().map(Box::new) };
        tokio::time::timeout(timeout, awaited).await.map_err(late)
    }

    /// Adds an entry and numbers it.
    pub(crate) fn arrive(&self, mut entry: Entry) -> u64 {
        let mut entries = self.lock();
        entry.seq = entries.len() as u64;
        let seq = entry.seq;
        entries.push(entry);
        drop(entries);
        self.changes.send_replace(());
        seq
    }

    pub(crate) fn update(&self, seq: u64, change: impl FnOnce(&mut Entry)) {
        let index = usize::try_from(seq).unwrap_or(usize::MAX);
        if let Some(entry) = self.lock().get_mut(index) {
            change(entry);
        }
        self.changes.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
