//! Authorization requests. Their use is a grant-store step, because it opens an attempt.

use async_trait::async_trait;

use super::{ClaimedPoll, DuePoll, PollClaim, PollEnd, RequestMark, StoreError};
use crate::{
    AuditRecord, Authorization, AuthorizationId, AuthorizationStatus, DeviceAuthorization, KeptCode, Quota,
    TenantId, Timestamp,
};

/// What became of starting an authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartOutcome {
    /// It is kept.
    Started,
    /// The tenant has as many pending as it may have, or has no room for the grant this would make.
    OverQuota(Quota),
    /// The key has a machine credential.
    HasMachineCredential,
}

/// Begins an import.
#[derive(Debug, Clone)]
pub struct NewImport {
    /// The authorization that stands for it; it has an import.
    pub authorization: Authorization,
    /// Two grants may share the token: the provider does not replace it at use.
    pub may_be_shared: bool,
    /// The caller's request, if it may be repeated.
    pub request: Option<RequestMark>,
    /// The failed import that this request has made before, and makes once more.
    pub replaces: Option<AuthorizationId>,
}

/// What became of beginning an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It is kept.
    Started,
    /// The same request has made this one before.
    Repeated(AuthorizationId),
    /// The request's id was used for another request.
    IdReused,
    /// An active grant of the tenant began with this token.
    Duplicate,
    /// As in [`StartOutcome::OverQuota`].
    OverQuota(Quota),
}

/// The provider's code, to be kept until the product completes the authorization.
#[derive(Debug, Clone)]
pub struct CodeToKeep {
    /// The tenant.
    pub tenant: TenantId,
    /// The authorization.
    pub authorization: AuthorizationId,
    /// The code, and what it is asked for with.
    pub code: KeptCode,
    /// Now.
    pub at: Timestamp,
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

    /// Keeps an import that is about to be made.
    async fn start_import(
        &self,
        import: &NewImport,
        record: &AuditRecord,
    ) -> Result<ImportOutcome, StoreError>;

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

    /// The authorization whose state has this digest, whichever tenant's: a browser names none.
    async fn authorization_of_browser(
        &self,
        state_digest: &[u8; 32],
    ) -> Result<Option<Authorization>, StoreError>;

    /// Keeps the code of an authorization whose callback comes to the broker's own page: from now on it awaits
    /// completion. `false`: it was not pending, or late.
    async fn keep_code(&self, code: &CodeToKeep, record: &AuditRecord) -> Result<bool, StoreError>;

    /// Ends a pending authorization without a grant. `false`: it was not pending. One that awaits completion is not.
    async fn end_authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
        status: AuthorizationStatus,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError>;

    /// The same as [`ConsentStore::start_authorization`], for one whose user is at another device.
    async fn start_device_authorization(
        &self,
        authorization: &Authorization,
        device: &DeviceAuthorization,
        record: &AuditRecord,
    ) -> Result<StartOutcome, StoreError>;

    /// How that authorization is polled; `None` where there is nothing to poll for.
    async fn device_authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
    ) -> Result<Option<DeviceAuthorization>, StoreError>;

    /// Device authorizations whose time to be polled has come by `due_by`, earliest first.
    async fn due_polls(&self, due_by: Timestamp, limit: u32) -> Result<Vec<DuePoll>, StoreError>;

    /// Puts off what is due by then: nobody can poll for it at present.
    async fn put_off_polls(
        &self,
        polls: &[DuePoll],
        due_by: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Opens the attempt that polls, of any number of brokers for one. `None`: it is not time, or there is nothing to
    /// poll for any more, or the tenant has no room for the grant this would make, and then it is not time for a while.
    async fn claim_poll(&self, claim: &PollClaim) -> Result<Option<ClaimedPoll>, StoreError>;

    /// Closes an attempt to poll without tokens. `false`: it was closed before.
    async fn end_poll(&self, end: &PollEnd) -> Result<bool, StoreError>;
}
