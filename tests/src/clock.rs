//! One clock for the broker and both simulators, moved by hand.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use broker_core::{Clock, Timestamp};
use tokio::sync::watch;

/// Where a clock starts of which nothing else is said: 2023-11-14.
pub(crate) const START_SECONDS: u64 = 1_700_000_000;

/// Stands still until it is moved; the simulators see every move before the broker does.
pub struct HandClock {
    simulators: provider_sim::Clock,
    broker: watch::Sender<Timestamp>,
}

impl HandClock {
    /// One that shows so many seconds since the Unix epoch.
    pub(crate) fn at(seconds: u64) -> Self {
        let start = Duration::from_secs(seconds);
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

    /// The broker's clock is put forward by so many seconds, or back; the providers' clocks go on as they were.
    pub fn step(&self, seconds: i64) {
        let by = Duration::from_secs(seconds.unsigned_abs());
        self.broker.send_modify(|now| *now = if seconds < 0 { *now - by } else { *now + by });
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
