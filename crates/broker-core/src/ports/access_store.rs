//! Access policies that operators create.

use async_trait::async_trait;

use super::StoreError;
use crate::{AccessPolicy, AccessRule, AuditRecord, PolicyId, PolicyOrigin, RequestId, Timestamp};

/// What became of a policy that was to be created.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicyCreation {
    /// It stands.
    Created,
    /// The same request has created this one before.
    Repeated(Box<AccessPolicy>),
    /// A policy of the same rule stands.
    Exists,
    /// The request's id was used for a policy of another rule.
    RequestIdUsed,
}

impl PolicyCreation {
    /// What became of a policy of this rule whose request has created `earlier` before.
    pub fn after(rule: &AccessRule, earlier: AccessPolicy, repeatable_since: Timestamp) -> Self {
        let fresh = matches!(earlier.origin, PolicyOrigin::Created(at) if at >= repeatable_since);
        match earlier.rule == *rule {
            true if fresh => Self::Repeated(Box::new(earlier)),
            true => Self::Exists,
            false => Self::RequestIdUsed,
        }
    }
}

/// Access policies. Every change of them changes their version, and is committed with its record.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Creates a policy, unless one of the same rule stands. A `request` that created it at or after `repeatable_since`
    /// is answered with what it created.
    async fn create_policy(
        &self,
        policy: &AccessPolicy,
        request: Option<RequestId>,
        repeatable_since: Timestamp,
        record: &AuditRecord,
    ) -> Result<PolicyCreation, StoreError>;

    /// A page of policies, ordered by id.
    async fn policies(&self, after: Option<PolicyId>, limit: u32) -> Result<Vec<AccessPolicy>, StoreError>;

    /// Deletes a policy. `false`: there is none.
    async fn delete_policy(&self, id: PolicyId, record: &AuditRecord) -> Result<bool, StoreError>;

    /// The version of the policies: one cheap read. While it is the same, so are they.
    async fn policies_version(&self) -> Result<u64, StoreError>;
}
