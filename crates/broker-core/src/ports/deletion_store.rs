//! Tenants that are being deleted, or were.

use async_trait::async_trait;

use super::StoreError;
use crate::{AuditRecord, TenantId, Timestamp};

/// How far the deletion of a tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// When it was asked for.
    pub began_at: Timestamp,
    /// When the tenant's data keys were destroyed, if they are.
    pub destroyed_at: Option<Timestamp>,
    /// Grants that are not revoked upstream yet.
    pub grants_left: u64,
}

/// Asks to destroy a tenant's data keys.
#[derive(Debug, Clone)]
pub struct DestroyKeys {
    /// The tenant.
    pub tenant: TenantId,
    /// Now.
    pub at: Timestamp,
    /// What was sent before this time has no answer that could still come: it was read, or its journal waited for.
    pub settled_since: Timestamp,
    /// A replica heard of since is alive, and has settled what it closed.
    pub alive_since: Timestamp,
}

/// Deletions. Every method is one transaction.
#[async_trait]
pub trait DeletionStore: Send + Sync {
    /// Makes durable that a tenant is being deleted. Idempotent: the record is of the first time. `false`: there is no
    /// such tenant.
    async fn begin_deletion(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError>;

    /// How far a tenant's deletion is; `None` if it is not being deleted.
    async fn deletion(&self, tenant: &TenantId) -> Result<Option<Deletion>, StoreError>;

    /// How far the deletions of tenants from one id to another are, both included, in their order.
    async fn deletions_between(
        &self,
        first: &TenantId,
        last: &TenantId,
    ) -> Result<Vec<(TenantId, Deletion)>, StoreError>;

    /// Tenants that are being deleted.
    async fn deletions(&self) -> Result<Vec<TenantId>, StoreError>;

    /// Tenants whose keys were destroyed at or after `since`.
    async fn destroyed_since(&self, since: Timestamp) -> Result<Vec<TenantId>, StoreError>;

    /// Destroys the data keys of a tenant that is being deleted, and erases everything sealed under them, once every grant
    /// is revoked, no attempt is open and no answer can come to light. `true`: they are destroyed, now or before.
    async fn destroy_keys(&self, ask: &DestroyKeys) -> Result<bool, StoreError>;
}
