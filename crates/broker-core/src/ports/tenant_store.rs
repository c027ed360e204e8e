//! Tenants, their keys and their client registrations.

use async_trait::async_trait;

use super::{
    ChangeOutcome, CreateOutcome, NewSecret, RegistrationChange, RegistrationKey, RequestMark, RetireOutcome,
    SecretOutcome, SecretRetirement, StoreError, TenantChange,
};
use crate::{
    AuditRecord, ClientRegistration, ProviderName, RegistrationId, RowVersion, SecretId, Tenant, TenantId,
    Timestamp,
};

/// Which registrations to list.
#[derive(Debug, Clone)]
pub struct RegistrationFilter {
    /// The tenant, always.
    pub tenant: TenantId,
    /// Only at this provider.
    pub provider: Option<ProviderName>,
    /// Only those that come after the one created then, of that provider and name.
    pub after: Option<(Timestamp, ProviderName, RegistrationId)>,
    /// At most this many.
    pub limit: u32,
}

/// Tenants and what belongs to them. A change is committed with its record, and without a change there is none.
#[async_trait]
pub trait TenantStore: Send + Sync {
    /// Creates a tenant with its first keys.
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError>;

    /// The tenant of that id.
    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError>;

    /// A page of tenants, ordered by id, without their keys.
    async fn list_tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<Tenant>, StoreError>;

    /// Changes a tenant.
    async fn update_tenant(
        &self,
        change: &TenantChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError>;

    /// Creates a client registration of an existing tenant.
    async fn create_registration(
        &self,
        registration: &ClientRegistration,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError>;

    /// The registration of that id.
    async fn registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        id: &RegistrationId,
    ) -> Result<Option<ClientRegistration>, StoreError>;

    /// The registration new grants use where a request names none: the tenant's first at the provider.
    async fn first_registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
    ) -> Result<Option<ClientRegistration>, StoreError>;

    /// A page of registrations, oldest first, then by provider and name.
    async fn list_registrations(
        &self,
        filter: &RegistrationFilter,
    ) -> Result<Vec<ClientRegistration>, StoreError>;

    /// Changes a registration.
    async fn update_registration(
        &self,
        change: &RegistrationChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError>;

    /// Deletes a registration and erases its secrets. In use while a living grant is pinned to it, or an attempt of it is
    /// open. Grants that are dead keep its name.
    async fn delete_registration(
        &self,
        key: &RegistrationKey,
        expected: Option<RowVersion>,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError>;

    /// Adds a secret to a confidential registration.
    async fn add_secret(&self, new: &NewSecret, record: &AuditRecord) -> Result<SecretOutcome, StoreError>;

    /// Erases a secret, unless it is the last.
    async fn retire_secret(
        &self,
        retirement: &SecretRetirement,
        record: &AuditRecord,
    ) -> Result<RetireOutcome, StoreError>;

    /// Notes that the provider accepted a secret: it is refused no more. A time before the one noted changes nothing.
    async fn note_secret_accepted(
        &self,
        key: &RegistrationKey,
        secret: SecretId,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets up to `limit` requests made before `before`. Answers how many.
    async fn prune_requests(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
