//! Access policies that operators create.

use async_trait::async_trait;

use super::{CreateOutcome, RequestMark, StoreError};
use crate::{AccessPolicy, AuditRecord, PolicyId};

/// Access policies. Every change of them changes their version, and is committed with its record.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Creates a policy, unless one of the same rule stands: that one has its name taken. A repeated request names the
    /// policy it made by its id. Requests belong to what the policy is about: a tenant, or every one.
    async fn create_policy(
        &self,
        policy: &AccessPolicy,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError>;

    /// A page of policies, ordered by id.
    async fn policies(&self, after: Option<PolicyId>, limit: u32) -> Result<Vec<AccessPolicy>, StoreError>;

    /// Deletes a policy. `false`: there is none.
    async fn delete_policy(&self, id: PolicyId, record: &AuditRecord) -> Result<bool, StoreError>;

    /// The version of the policies: one cheap read. While it is the same, so are they.
    async fn policies_version(&self) -> Result<u64, StoreError>;
}
