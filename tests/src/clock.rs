//! One clock for the broker and both simulators, moved by hand.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use broker_core::{Clock, Timestamp};
use tokio::sync::watch;

/// Where the clock starts: 2023-11-14.
const START_SECONDS: u64 = 1_700_000_000;

/// Stands still until it is moved; the simulators see every move before the broker does.
pub struct HandClock {
    simulators: provider_sim::Clock,
    broker: watch::Sender<Timestamp>,
}

impl HandClock {
    pub(crate) fn new() -> Self {
        let start = Duration::from_secs(START_SECONDS);
        Self {
            simulators: provider_sim::Clock::manual(UNIX_EPOCH + start),
            broker: watch::Sender::new(Timestamp::from_unix_seconds(0) + start),
        }
    }

    /// Moves the clock forward, and wakes what was waiting for a time that has come.
    pub fn advance(&self, span: Duration) {
        self.simulators.advance(span);
        self.broker.send_modify(|now| *now = *now + span);
    }

    /// Whole seconds since the Unix epoch.
    pub fn seconds(&self) -> i64 {
        self.now().as_unix_micros() / 1_000_000
    }

    pub(crate) fn of_simulators(&self) -> provider_sim::Clock {
        self.simulators.clone()
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.broker.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.broker.subscribe().wait_for(|now| *now >= deadline).await;
    }
}
