//! Asking for the right to present a refresh token or a code.

use broker_crypto::{AccessToken, RefreshToken, Sealed};

use crate::{
    Attempt, AttemptId, AuditRecord, AuthorizationId, Generation, Grant, GrantKey, IncarnationId, Quota,
    TenantId, Timestamp,
};

/// Asks for the right to present a grant's refresh token.
#[derive(Debug, Clone)]
pub struct RefreshClaim {
    /// The grant.
    pub key: GrantKey,
    /// The generation the caller saw; a newer one wins.
    pub generation: Generation,
    /// Id of the attempt to open.
    pub attempt: AttemptId,
    /// This run of this process.
    pub owner: IncarnationId,
    /// Now.
    pub at: Timestamp,
    /// Where the due time is moved, so that the claimed grant is not due any more.
    pub hold_until: Timestamp,
    /// The store's epoch as this replica knows it; a claim of another one is refused (rule 16).
    pub epoch: Epoch,
    /// Until when the next claim of a paused registration waits, if this one is its canary (rule 9).
    pub canary_until: Timestamp,
}

/// Which history of the store a claim belongs to. It changes when commits may have been lost: a failover, a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// A claim that was granted: the only place where a refresh token is read.
#[derive(Debug)]
pub struct ClaimedRefresh {
    /// The open attempt.
    pub attempt: Attempt,
    /// The grant as it was before the claim.
    pub before: Grant,
    /// Its access token.
    pub access_token: Sealed<AccessToken>,
    /// Its refresh token.
    pub refresh_token: Sealed<RefreshToken>,
    /// The generation the refresh token is sealed for.
    pub refresh_token_generation: Generation,
    /// When a caller last asked for the grant, as far as that was noted ([`GrantStore::note_asked`]).
    pub asked_at: Option<Timestamp>,
    /// When this refresh token was sent before, first and last, by attempts of the same lineage and generation.
    pub sent_before: Option<SentBefore>,
}

/// When a refresh token was sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentBefore {
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
}

/// What became of a claim.
#[derive(Debug)]
pub enum ClaimOutcome {
    /// The attempt is open and durable.
    Claimed(Box<ClaimedRefresh>),
    /// The grant already has this newer generation.
    Newer(Generation),
    /// This other refresh attempt is open.
    Busy(Box<Attempt>),
    /// An earlier outcome is undecided, and the token must not be presented before this time.
    Undecided(Timestamp),
    /// The provider refuses the grant's client registration; its next canary may be claimed at this time.
    RegistrationPaused(Timestamp),
    /// The store's epoch is another one: nobody claims until every escrow was replayed (rule 16).
    OtherEpoch,
    /// The grant is not active or holds no refresh token.
    NotRefreshable,
    /// There is no such grant.
    Absent,
}

/// Uses an authorization's state, once, and opens the attempt that exchanges its code.
#[derive(Debug, Clone)]
pub struct ExchangeClaim {
    /// The tenant.
    pub tenant: TenantId,
    /// The authorization; it must be pending.
    pub authorization: AuthorizationId,
    /// Id of the attempt to open.
    pub attempt: AttemptId,
    /// This run of this process.
    pub owner: IncarnationId,
    /// Now; the authorization must not be late.
    pub at: Timestamp,
    /// What is recorded of it.
    pub record: AuditRecord,
}

/// What became of claiming an exchange.
#[derive(Debug, Clone, PartialEq)]
pub enum ExchangeOutcome {
    /// The attempt is open and durable.
    Claimed(Box<Attempt>),
    /// The authorization is used or late, or its registration was deleted.
    NotPending,
    /// The tenant has no room for the grant this would make. The authorization is still pending.
    OverQuota(Quota),
}

impl ExchangeOutcome {
    /// The attempt, if it was opened.
    pub fn attempt(self) -> Option<Attempt> {
        match self {
            Self::Claimed(attempt) => Some(*attempt),
            Self::NotPending | Self::OverQuota(_) => None,
        }
    }
}
