//! The clock, injected: a month passes in a test.

use std::time::Duration;

use async_trait::async_trait;

use crate::Timestamp;

/// What time it is, and waiting for a time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// Returns once `deadline` has come.
    async fn sleep_until(&self, deadline: Timestamp);
}

/// The result of `work` if it comes within `wait`.
pub(crate) async fn within<T>(clock: &dyn Clock, wait: Duration, work: impl Future<Output = T>) -> Option<T> {
    let until = clock.now() + wait;
    tokio::select! {
        biased;
        done = work => Some(done),
        () = clock.sleep_until(until) => None,
    }
}
