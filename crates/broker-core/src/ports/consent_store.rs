//! Authorization requests. Their use is a grant-store step, because it opens an attempt.

use async_trait::async_trait;

use super::StoreError;
use crate::{AuditRecord, Authorization, AuthorizationId, AuthorizationStatus, Quota, TenantId, Timestamp};

/// What became of starting an authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartOutcome {
    /// It is kept.
    Started,
    /// The tenant has as many pending as it may have, or has no room for the grant this would make.
    OverQuota(Quota),
}

/// Authorization requests. A change is committed with its record, and without a change there is none.
#[async_trait]
pub trait ConsentStore: Send + Sync {
    /// Keeps a new authorization request. That of a grant which lives is refused only where the grant has another one
    /// pending.
    async fn start_authorization(
        &self,
        authorization: &Authorization,
        record: &AuditRecord,
    ) -> Result<StartOutcome, StoreError>;

    /// The authorization of that id.
    async fn authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
    ) -> Result<Option<Authorization>, StoreError>;

    /// The authorization whose state has this digest.
    async fn authorization_by_state(
        &self,
        tenant: &TenantId,
        state_digest: &[u8; 32],
    ) -> Result<Option<Authorization>, StoreError>;

    /// Ends a pending authorization without a grant. `false`: it was not pending.
    async fn end_authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
        status: AuthorizationStatus,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError>;
}
