//! The faults that wait for requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Fault, Times};
use crate::journal::Endpoint;

/// A queue of faults. A request takes the oldest fault of its endpoint. Clones share the queue.
#[derive(Clone)]
pub struct Faults {
    waiting: Arc<Mutex<VecDeque<Fault>>>,
    /// Counts the clearings.
    cleared: watch::Sender<u64>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { waiting: Arc::default(), cleared: watch::Sender::new(0) }
    }

    /// Adds a fault behind those that wait.
    pub fn push(&self, fault: Fault) {
        self.lock().push_back(fault);
    }

    /// Removes every waiting fault and lets the hanging requests go on.
    pub fn clear(&self) {
        self.lock().clear();
        self.cleared.send_modify(|count| *count += 1);
    }

    /// The waiting faults, oldest first.
    pub fn waiting(&self) -> Vec<Fault> {
        self.lock().iter().cloned().collect()
    }

    /// The fault that the next request of this endpoint meets.
    pub(crate) fn take(&self, endpoint: Endpoint) -> Option<Fault> {
        let mut waiting = self.lock();
        let index =
            waiting.iter().position(|fault| fault.endpoint == endpoint && fault.times != Times::Count(0))?;
        let fault = waiting[index].clone();
        match fault.times {
            Times::Forever => {}
            Times::Once | Times::Count(0 | 1) => drop(waiting.remove(index)),
            Times::Count(count) => waiting[index].times = Times::Count(count - 1),
        }
        Some(fault)
    }

    /// A subscription that completes [`Faults::until_cleared`] at the next clearing after now.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.cleared.subscribe()
    }

    /// Waits for a clearing after the subscription was taken.
    pub(crate) async fn until_cleared(mut watch: watch::Receiver<u64>) {
        // An error means that the queue is gone, and with it whoever could clear it.
        let _ = watch.changed().await;
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Fault>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
