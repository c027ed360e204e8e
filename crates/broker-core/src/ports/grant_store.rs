//! Grants and the rotation protocol's durable steps. Every method is one transaction.

use async_trait::async_trait;
use broker_crypto::{AccessToken, RefreshToken, Sealed};

use super::StoreError;
use crate::{
    Attempt, AttemptId, AuthorizationId, Generation, Grant, GrantKey, IncarnationId, LastFailure, Lifecycle,
    Phase, ProviderName, RegistrationId, SealedTokenSet, TenantId, Timestamp, UserId,
};

/// What vending reads: one row.
#[derive(Debug, Clone)]
pub struct VendableGrant {
    /// The grant.
    pub grant: Grant,
    /// Its present access token, sealed at the grant's generation.
    pub access_token: Sealed<AccessToken>,
}

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
}

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
}

/// Which lineage an adoption is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// The grant's present one.
    Present,
    /// A new one, begun by a consent at the given time. It loses to a later consent, and keeps neither refresh token
    /// nor base URL of the old one.
    New {
        /// The authorization that is thereby completed.
        authorization: AuthorizationId,
        /// When the user consented.
        consented_at: Timestamp,
    },
}

/// Makes an answer the grant's new token set.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The attempt that was answered.
    pub attempt: Attempt,
    /// Which lineage it is on.
    pub lineage: Lineage,
    /// The generation the grant must (at most) have: the one the set was sealed after.
    pub base: Generation,
    /// The token set, sealed for `base.next()`.
    pub tokens: SealedTokenSet,
    /// Now.
    pub at: Timestamp,
}

/// What became of an adoption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdoptOutcome {
    /// The grant has this new generation.
    Adopted(Generation),
    /// This attempt was adopted before, as this generation.
    AlreadyAdopted(Generation),
    /// A new lineage found the grant at this other generation; seal for it and try again.
    Moved(Generation),
    /// The grant has gone on without this answer: another lineage, or a later generation.
    Superseded,
}

/// Closes an attempt that brought no tokens.
#[derive(Debug, Clone)]
pub struct AttemptEnd {
    /// The attempt.
    pub attempt: Attempt,
    /// What the attempt ended as, for the record.
    pub conclusion: &'static str,
    /// What becomes of the grant; `None` for an exchange, which leaves the grant alone.
    pub grant: Option<GrantAfter>,
    /// The name of the failure an exchange's authorization is marked with.
    pub authorization_failure: Option<&'static str>,
    /// Now.
    pub at: Timestamp,
}

/// What a failed refresh leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantAfter {
    /// Its lifecycle.
    pub lifecycle: Lifecycle,
    /// Its phase, with no attempt open.
    pub phase: Phase,
    /// Sticky: set here, cleared only by adopting.
    pub tainted: bool,
    /// When to look at it next.
    pub due_at: Option<Timestamp>,
    /// What went wrong; `None` where nothing did (provably unsent).
    pub failure: Option<LastFailure>,
}

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
}

/// Which grants to list; an absent field means any.
#[derive(Debug, Clone)]
pub struct GrantFilter {
    /// The tenant, always.
    pub tenant: TenantId,
    /// Only this provider.
    pub provider: Option<ProviderName>,
    /// Only this user.
    pub user: Option<UserId>,
    /// Only grants pinned to this registration.
    pub registration: Option<RegistrationId>,
    /// Only these lifecycles, compared without their cause; empty means any.
    pub lifecycles: Vec<Lifecycle>,
    /// Only grants whose key comes after this one.
    pub after: Option<GrantKey>,
    /// At most this many.
    pub limit: u32,
}

/// Grants and their attempts.
#[async_trait]
pub trait GrantStore: Send + Sync {
    /// The grant and its sealed access token: the one read of a vend.
    async fn vendable(&self, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError>;

    /// A page of grants, ordered by key.
    async fn list_grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError>;

    /// Active grants that are due, earliest first; work proportional to what is due.
    async fn due_grants(&self, now: Timestamp, limit: u32) -> Result<Vec<DueGrant>, StoreError>;

    /// Moves a grant's due time to `until` if nothing has moved it since it was read: for a rotation that ended before
    /// its claim could do so.
    async fn postpone(&self, due: &DueGrant, until: Timestamp) -> Result<(), StoreError>;

    /// Opens a refresh attempt if the grant is at the generation seen and no attempt is open.
    async fn claim_refresh(&self, claim: &RefreshClaim) -> Result<ClaimOutcome, StoreError>;

    /// Uses a pending authorization, once; `None` if it is not pending or late.
    async fn claim_exchange(&self, claim: &ExchangeClaim) -> Result<Option<Attempt>, StoreError>;

    /// Makes durable that the request is about to be written. `false`: the attempt is not open any more, or the grant
    /// has gone on without it; do not send.
    async fn mark_sent(&self, attempt: &Attempt, at: Timestamp) -> Result<bool, StoreError>;

    /// The compare-and-set that makes an answer the grant's token set; idempotent by attempt. Closes other refreshes of
    /// the grant that were claimed and not sent: their token has a successor.
    async fn adopt(&self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError>;

    /// Closes an attempt without tokens. `false`: it was closed before.
    async fn close_attempt(&self, end: &AttemptEnd) -> Result<bool, StoreError>;

    /// The attempt, open or not.
    async fn attempt(&self, tenant: &TenantId, id: AttemptId) -> Result<Option<Attempt>, StoreError>;

    /// Every open attempt of earlier runs: what a start has to settle.
    async fn orphaned_attempts(&self, owner: IncarnationId) -> Result<Vec<Attempt>, StoreError>;
}
