//! What the scheduler and the settling of orphans read.

use std::time::Duration;

use crate::{Attempt, EscrowId, Generation, GrantKey, RegistrationId, Timestamp};

/// A grant whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueGrant {
    /// The grant.
    pub key: GrantKey,
    /// Its generation.
    pub generation: Generation,
    /// Since when it has been due.
    pub due_at: Timestamp,
    /// An earlier outcome is undecided.
    pub undecided: bool,
    /// The registration it is pinned to.
    pub registration: RegistrationId,
    /// When its access token expires.
    pub expires_at: Timestamp,
    /// When it dies whatever is done.
    pub dies_at: Option<Timestamp>,
    /// The idle life of its refresh token, if it has one that is known.
    pub refresh_token_timeout: Option<Duration>,
    /// When a caller last asked for it, as far as that was noted.
    pub asked_at: Option<Timestamp>,
}

/// Which due grants to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueQuery {
    /// Due at this time or before.
    pub due_by: Timestamp,
    /// At most so many in all.
    pub limit: u32,
    /// At most so many of one tenant at one provider, the earliest of each; `None` reads the earliest whoever has them.
    /// Costs an index probe per tenant and provider, so it is asked for only where there is more due than `limit`.
    pub per_lane: Option<u32>,
}

/// An open attempt whose owner is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphan {
    /// The attempt.
    pub attempt: Attempt,
    /// When the refresh token it presents was first sent, by whichever attempt (same grant, lineage, generation).
    pub first_sent_at: Option<Timestamp>,
    /// What is known of its owner.
    pub owner: OwnerFate,
}

/// What is known of the replica that made an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerFate {
    /// The journal it wrote to, if it ever joined.
    pub escrow: Option<EscrowId>,
    /// Its last heartbeat, if it ever joined.
    pub last_heartbeat: Option<Timestamp>,
    /// Since when its journal is known to be replayed: a later run on the same directory has done it, or it left in order.
    pub drained_at: Option<Timestamp>,
}
