//! A clock that stands still until it is moved.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{Clock, Timestamp};

/// A clock for tests: it moves only when told.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: watch::Sender::new(now) }
    }

    /// Moves the clock forward and wakes who was waiting for a time that has come.
    pub fn advance(&self, span: Duration) {
        self.now.send_modify(|now| *now = *now + span);
    }

    /// Sets the clock back. Who waits for a time that had come is awake already.
    pub fn step_back(&self, span: Duration) {
        self.now.send_modify(|now| *now = *now - span);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.now.subscribe().wait_for(|now| *now >= deadline).await;
    }
}
