//! Token sets that are to be revoked at their provider, and the grants they were taken from (rule 12).

use async_trait::async_trait;
use broker_crypto::{AccessToken, RefreshToken, Sealed};

use super::StoreError;
use crate::{
    AuditRecord, Generation, GrantKey, LastFailure, RegistrationId, RevocationId, RevocationOutcome,
    TenantId, Timestamp,
};

/// A token set that is to be revoked.
#[derive(Debug)]
pub struct PendingRevocation {
    /// Its id.
    pub id: RevocationId,
    /// The grant it was taken from.
    pub key: GrantKey,
    /// The registration it was issued to.
    pub registration: RegistrationId,
    /// The generation its access token is sealed for.
    pub generation: Generation,
    /// Its access token.
    pub access_token: Sealed<AccessToken>,
    /// Its refresh token, and the generation that is sealed for.
    pub refresh_token: Option<(Sealed<RefreshToken>, Generation)>,
    /// The last try, if it failed.
    pub last_failure: Option<LastFailure>,
}

/// Asks for revocations to carry out.
#[derive(Debug, Clone, Copy)]
pub struct TakeRevocations {
    /// Due at this time or before.
    pub due_by: Timestamp,
    /// When they are due again if nothing is heard of them: their taker has died.
    pub hold_until: Timestamp,
    /// At most so many.
    pub limit: u32,
}

/// Revocations. Every method is one transaction.
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// Makes durable that these grants are revoked: each is [`crate::Lifecycle::Revoking`], its tokens have left it and
    /// wait to be revoked, its unsent attempts are closed, and answers to all others will be revoked too. Answers which
    /// grants were not revoked before; those that are not there are passed over. Each of the answered has a record like
    /// `record`, about it.
    async fn revoke(
        &self,
        keys: &[GrantKey],
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<Vec<GrantKey>, StoreError>;

    /// Takes revocations whose time has come, earliest first. Two takers do not get the same one; after `hold_until` it
    /// may be taken again.
    async fn take_revocations(&self, ask: TakeRevocations) -> Result<Vec<PendingRevocation>, StoreError>;

    /// Whether a revocation is still to be carried out: it has not ended, and no new consent has made it harmful.
    async fn is_pending(&self, tenant: &TenantId, id: RevocationId) -> Result<bool, StoreError>;

    /// Notes when to try again, and the failure of this try if it was one; on the grant too while that is revoking.
    async fn put_off(
        &self,
        revocation: &PendingRevocation,
        failure: Option<&LastFailure>,
        until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Erases the tokens of a revocation. With its last one a revoking grant is revoked: then this answers `true`.
    async fn end_revocation(
        &self,
        revocation: &PendingRevocation,
        outcome: RevocationOutcome,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Grants that were revoked at or after `since`, at most `limit`.
    async fn revoked_since(&self, since: Timestamp, limit: u32) -> Result<Vec<GrantKey>, StoreError>;

    /// Deletes up to `limit` records of revocations that ended before `ended_before`. Answers how many.
    async fn prune_revocations(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
