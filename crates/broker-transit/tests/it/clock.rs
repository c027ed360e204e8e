//! A clock that is moved by hand.

use std::time::Duration;

use async_trait::async_trait;
use broker_core::{Clock, Timestamp};
use tokio::sync::watch;

/// Stands still until it is moved.
pub(crate) struct HandClock(watch::Sender<Timestamp>);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Timestamp::from_unix_seconds(1_700_000_000)))
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.0.send_modify(|now| *now = *now + span);
    }

    /// Waits until somebody sleeps.
    pub(crate) async fn until_slept_on(&self) {
        while self.0.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        self.0.subscribe().wait_for(|now| *now >= deadline).await.unwrap();
    }
}
