//! The right to talk to a provider for a grant, for a while. Saves work; the store decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use broker_crypto::Entropy;

use crate::{Clock, GrantId, Timestamp};

/// Tells one holding of a lease from every other, in all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseToken([u8; 16]);

impl LeaseToken {
    /// A fresh token of 128 random bits.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// The 16 bytes a backend keeps.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A held lease.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    /// The grant.
    pub grant: GrantId,
    /// This holding of it.
    pub token: LeaseToken,
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

    /// Lets a held lease run for `ttl` from now. `false`: it is lost; it ran out, or the backend forgot it.
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LeaseError>;

    /// Gives a lease back. Idempotent; whoever took it after it ran out is not touched.
    async fn release(&self, lease: Lease) -> Result<(), LeaseError>;
}

/// Leases among the tasks of one process.
pub struct InProcessLeases {
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    issued: u128,
    leases: HashMap<GrantId, (LeaseToken, Timestamp)>,
}

impl Held {
    /// A number is enough: nobody else can hold a lease of this manager.
    fn next_token(&mut self) -> LeaseToken {
        self.issued += 1;
        LeaseToken(self.issued.to_be_bytes())
    }

    fn holder(&self, grant: GrantId, now: Timestamp) -> Option<LeaseToken> {
        self.leases.get(&grant).filter(|(_, until)| *until > now).map(|(token, _)| *token)
    }
}

impl InProcessLeases {
    /// No lease is held yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LeaseManager for InProcessLeases {
    async fn acquire(&self, grant: GrantId, ttl: Duration) -> Result<LeaseOutcome, LeaseError> {
        let now = self.clock.now();
        let mut held = self.held();
        if held.holder(grant, now).is_some() {
            return Ok(LeaseOutcome::Taken);
        }
        let token = held.next_token();
        held.leases.insert(grant, (token, now + ttl));
        Ok(LeaseOutcome::Held(Lease { grant, token }))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LeaseError> {
        let now = self.clock.now();
        let mut held = self.held();
        let mine = held.holder(lease.grant, now) == Some(lease.token);
        if mine {
            held.leases.insert(lease.grant, (lease.token, now + ttl));
        }
        Ok(mine)
    }

    async fn release(&self, lease: Lease) -> Result<(), LeaseError> {
        let mut held = self.held();
        if held.leases.get(&lease.grant).is_some_and(|(token, _)| *token == lease.token) {
            held.leases.remove(&lease.grant);
        }
        Ok(())
    }
}
