//! The right to talk to a provider for a grant, for a while. Saves work; the store decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::{Clock, GrantId, Timestamp};

/// A held lease; its number tells it from an earlier one on the same grant.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    /// The grant.
    pub grant: GrantId,
    /// Unique among all leases of the manager.
    pub token: u64,
}

/// What became of asking for a lease.
#[derive(Debug, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// It is held now.
    Held(Lease),
    /// Somebody else holds it.
    Taken,
}

/// The lease backend did not answer; go on with the store alone.
#[derive(Debug, thiserror::Error)]
#[error("the lease backend did not answer")]
pub struct LeaseError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Gives leases.
#[async_trait]
pub trait LeaseManager: Send + Sync {
    /// Asks for the lease of `grant` for `ttl`.
    async fn acquire(&self, grant: GrantId, ttl: Duration) -> Result<LeaseOutcome, LeaseError>;

    /// Gives a lease back. Idempotent; a lease that ran out meanwhile is not touched.
    async fn release(&self, lease: Lease) -> Result<(), LeaseError>;
}

/// Leases among the tasks of one process.
pub struct InProcessLeases {
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    issued: u64,
    leases: HashMap<GrantId, (u64, Timestamp)>,
}

impl InProcessLeases {
    /// No lease is held yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, held: Mutex::default() }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LeaseManager for InProcessLeases {
    async fn acquire(&self, grant: GrantId, ttl: Duration) -> Result<LeaseOutcome, LeaseError> {
        let now = self.clock.now();
        let mut held = self.held();
        if held.leases.get(&grant).is_some_and(|(_, until)| *until > now) {
            return Ok(LeaseOutcome::Taken);
        }
        held.issued += 1;
        let token = held.issued;
        held.leases.insert(grant, (token, now + ttl));
        Ok(LeaseOutcome::Held(Lease { grant, token }))
    }

    async fn release(&self, lease: Lease) -> Result<(), LeaseError> {
        let mut held = self.held();
        if held.leases.get(&lease.grant).is_some_and(|(token, _)| *token == lease.token) {
            held.leases.remove(&lease.grant);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;

    #[tokio::test]
    async fn a_lease_excludes_until_released_or_over() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(0)));
        let leases = InProcessLeases::new(clock.clone());
        let (grant, ttl) = (GrantId::from_bytes([1; 16]), Duration::from_secs(60));
        let LeaseOutcome::Held(first) = leases.acquire(grant, ttl).await.unwrap() else { panic!("free") };
        assert_eq!(leases.acquire(grant, ttl).await.unwrap(), LeaseOutcome::Taken);
        clock.advance(ttl);
        let LeaseOutcome::Held(second) = leases.acquire(grant, ttl).await.unwrap() else { panic!("over") };
        leases.release(first).await.unwrap();
        assert_eq!(
            leases.acquire(grant, ttl).await.unwrap(),
            LeaseOutcome::Taken,
            "a late release frees nothing"
        );
        leases.release(second).await.unwrap();
        assert!(matches!(leases.acquire(grant, ttl).await.unwrap(), LeaseOutcome::Held(_)));
    }
}
