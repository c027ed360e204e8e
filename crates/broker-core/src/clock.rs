//! The clock, injected: a month passes in a test.

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
