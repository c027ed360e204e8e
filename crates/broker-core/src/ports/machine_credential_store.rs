//! Credentials of machines. Where a key has one it has no living grant, and the other way round.

use async_trait::async_trait;

use super::{ChangeOutcome, DueMint, MintClaim, MintEnd, StoreError};
use crate::{
    AuditRecord, GrantKey, MachineCredential, MintMark, ProviderName, Quota, RowVersion, TenantId, Timestamp,
    UserId,
};

/// Which machine credentials to list; an absent field means any.
#[derive(Debug, Clone)]
pub struct MachineCredentialFilter {
    /// The tenant, always.
    pub tenant: TenantId,
    /// Only at this provider.
    pub provider: Option<ProviderName>,
    /// Only of this user.
    pub user: Option<UserId>,
    /// Only those whose key comes after this one.
    pub after: Option<GrantKey>,
    /// At most this many.
    pub limit: u32,
}

/// What became of creating a machine credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineCredentialOutcome {
    /// It is kept.
    Created,
    /// The key has one.
    Taken,
    /// The key has a grant that is not revoked, or an authorization that may still make one.
    HasGrant,
    /// There is no such tenant, or it is being deleted.
    NoTenant,
    /// The tenant has as many as it may have grants.
    OverQuota(Quota),
}

/// Machine credentials. A change is committed with its record, and without a change there is none.
#[async_trait]
pub trait MachineCredentialStore: Send + Sync {
    /// Keeps a new one.
    async fn create_machine_credential(
        &self,
        credential: &MachineCredential,
        record: &AuditRecord,
    ) -> Result<MachineCredentialOutcome, StoreError>;

    /// The one under that key.
    async fn machine_credential(&self, key: &GrantKey) -> Result<Option<MachineCredential>, StoreError>;

    /// A page of them, ordered by key.
    async fn list_machine_credentials(
        &self,
        filter: &MachineCredentialFilter,
    ) -> Result<Vec<MachineCredential>, StoreError>;

    /// Puts another one in the place of the one of version `expected`. When it was put in stays as it is.
    async fn replace_machine_credential(
        &self,
        credential: &MachineCredential,
        expected: RowVersion,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError>;

    /// Erases one, of any version if none is expected.
    async fn delete_machine_credential(
        &self,
        key: &GrantKey,
        expected: Option<RowVersion>,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError>;

    /// Those whose next token is to be minted by then and that nobody mints, the longest due first.
    async fn due_mints(&self, due_by: Timestamp, limit: u32) -> Result<Vec<DueMint>, StoreError>;

    /// Puts off what is due by then: nobody can mint it at present.
    async fn put_off_mints(
        &self,
        mints: &[DueMint],
        due_by: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes a mint, if the credential is as it was seen and nobody else mints.
    async fn claim_mint(&self, claim: &MintClaim) -> Result<Option<MachineCredential>, StoreError>;

    /// Ends a mint. `false`: the claim was over and somebody else took it, or the credential is gone or another one.
    async fn end_mint(&self, end: &MintEnd) -> Result<bool, StoreError>;

    /// Makes the next mint due at once, if the credential is as it was seen.
    async fn want_mint(&self, key: &GrantKey, mark: MintMark, at: Timestamp) -> Result<(), StoreError>;
}
