//! Grants and the rotation protocol's durable steps. Every method is one transaction.

use async_trait::async_trait;
use broker_crypto::{AccessToken, Sealed};

use super::{
    AdoptOutcome, Adoption, AttemptEnd, ClaimOutcome, DueGrant, DueQuery, EscrowRecord, ExchangeClaim,
    ExchangeOutcome, Orphan, RefreshClaim, SentMark, SentOutcome, StoreError,
};
use crate::{
    AccountDigest, Attempt, AttemptId, AuditRecord, Grant, GrantId, GrantKey, IncarnationId, Lifecycle,
    LineageId, ProviderName, RegistrationId, TenantId, Timestamp, UserId,
};

/// How many who share an account are counted: nobody needs to know more, and an account may be shared by thousands.
pub const MOST_SHARERS: u32 = 20;

/// What vending reads: one row.
#[derive(Debug, Clone)]
pub struct VendableGrant {
    /// The grant.
    pub grant: Grant,
    /// Its present access token, sealed at the grant's generation; `None` once the grant was revoked.
    pub access_token: Option<Sealed<AccessToken>>,
}

/// That something has ended for a grant: an attempt, or its life.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GrantChange {
    /// The grant.
    pub key: GrantKey,
    /// When.
    pub at: Timestamp,
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
    async fn due_grants(&self, query: &DueQuery) -> Result<Vec<DueGrant>, StoreError>;

    /// Moves a grant's due time to `until` if nothing has moved it since it was read: for a rotation that ended before
    /// its claim could do so.
    async fn postpone(&self, due: &DueGrant, until: Timestamp) -> Result<(), StoreError>;

    /// Opens a refresh attempt if the grant is at the generation seen and no attempt is open.
    async fn claim_refresh(&self, claim: &RefreshClaim) -> Result<ClaimOutcome, StoreError>;

    /// Uses a pending authorization, once. Here a tenant's quota of grants holds, as what a code was exchanged for is
    /// never thrown away: an exchange that is open counts as the grant it may make.
    async fn claim_exchange(&self, claim: &ExchangeClaim) -> Result<ExchangeOutcome, StoreError>;

    /// Makes durable that the request is about to be written.
    async fn mark_sent(&self, mark: &SentMark) -> Result<SentOutcome, StoreError>;

    /// The compare-and-set that makes an answer the grant's token set; idempotent by attempt, and accepted late: from
    /// any phase and lifecycle, for an attempt that was closed, and for one whose row a failover has lost (it is kept
    /// again). On the present lineage it wins if the grant's generation is not above the one presented, or if the
    /// grant's token set came from a lower presentation of the same refresh token. Closes other refreshes of the grant
    /// that were claimed and not sent, as their token has a successor, and ends a pause of the registration.
    ///
    /// Revoke wins (rule 12): an answer to what was presented before the grant was revoked is kept as a revocation, which
    /// makes the grant revoking again. An answer that another lineage has superseded is kept as one where the adoption
    /// says so (rule 13), and so is the token set that a new lineage replaces.
    ///
    /// A new lineage of another account than that of a grant which was not revoked is refused, unless it may be, and so
    /// is one whose refresh token began an active grant of the tenant. Of the first the tokens are kept as a revocation
    /// where the adoption says so; of the second never, as that would end the other grant. A refusal is final.
    async fn adopt(&self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError>;

    /// Closes an attempt without tokens. `false`: it was closed before.
    async fn close_attempt(&self, end: &AttemptEnd) -> Result<bool, StoreError>;

    /// The attempt, open or not.
    async fn attempt(&self, tenant: &TenantId, id: AttemptId) -> Result<Option<Attempt>, StoreError>;

    /// Open attempts of replicas that are gone, oldest first: whose owner's last heartbeat lies before `silent_since`, or
    /// whose journal was drained, or who never joined. Never those of `own`.
    async fn orphans(
        &self,
        own: IncarnationId,
        silent_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError>;

    /// Whether another grant of that registration was refreshed at or after `since` (rule 9).
    async fn registration_works_since(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        registration: &RegistrationId,
        except: GrantId,
        since: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Grants of which an attempt was closed at or after `since`, or which were revoked then; at most `limit`, newest
    /// first. Of all tenants.
    async fn changed_since(&self, since: Timestamp, limit: u32) -> Result<Vec<GrantChange>, StoreError>;

    /// Answers that could not be read when they came, of attempts that were not adopted, oldest first.
    async fn unread_answers(&self, limit: u32) -> Result<Vec<EscrowRecord>, StoreError>;

    /// Notes whose account at the provider a grant is of, if it is still on that lineage and nobody knows yet. Answers
    /// whether it was noted.
    async fn note_account(
        &self,
        key: &GrantKey,
        lineage: LineageId,
        account: AccountDigest,
        record: &AuditRecord,
    ) -> Result<bool, StoreError>;

    /// How many grants of other users of the tenant are of the same account at the provider, as far as that is known.
    /// Revoked ones do not count, and counting ends at [`MOST_SHARERS`].
    async fn account_sharers(&self, key: &GrantKey) -> Result<u32, StoreError>;

    /// Notes when callers last asked for grants: one write for all, in a table of its own. A time before the one noted
    /// changes nothing; grants that are not there are passed over.
    async fn note_asked(&self, asked: &[(GrantKey, Timestamp)]) -> Result<(), StoreError>;

    /// Deletes up to `limit` attempts closed before `closed_before`, with their unread answers. Answers how many. The
    /// attempt a grant's present token set came from is kept.
    async fn prune_attempts(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
