//! Tenants, their data keys and their client registrations.

mod acceptance;
mod changes;
mod deletion;
pub(crate) mod keys;
mod registrations;
mod rows;
mod secrets;
mod tenant;

use async_trait::async_trait;
use broker_core::ports::{
    ChangeOutcome, CreateOutcome, NewSecret, RegistrationChange, RegistrationFilter, RegistrationKey,
    RequestMark, RetireOutcome, SecretOutcome, SecretRetirement, StoreError, TenantChange, TenantStore,
};
use broker_core::{
    AuditRecord, ClientRegistration, ProviderName, QuotaKind, RegistrationId, RowVersion, SecretId, Tenant,
    TenantId, Timestamp,
};
use broker_crypto::{KekId, KeyPurpose, WrappedDek};

use crate::PostgresStore;
use crate::requests;

#[async_trait]
impl TenantStore for PostgresStore {
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        self.operation("create_tenant", tenant::create(&self.pools.vending, tenant, request, record)).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.operation("tenant", tenant::read(&self.pools.vending, id, self.role)).await
    }

    async fn list_tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        self.operation("list_tenants", tenant::page(&self.pools.vending, after, limit)).await
    }

    async fn update_tenant(
        &self,
        change: &TenantChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("update_tenant", tenant::update(&self.pools.vending, change, record)).await
    }

    async fn create_registration(
        &self,
        registration: &ClientRegistration,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        let quota = self.quotas.of(&registration.tenant, QuotaKind::ClientRegistrations);
        let created = registrations::create(&self.pools.vending, registration, request, quota, record);
        self.operation("create_registration", created).await
    }

    async fn registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        id: &RegistrationId,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        self.operation("registration", rows::read(&self.pools.vending, tenant, provider, id)).await
    }

    async fn first_registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        self.operation("first_registration", rows::first(&self.pools.vending, tenant, provider)).await
    }

    async fn list_registrations(
        &self,
        filter: &RegistrationFilter,
    ) -> Result<Vec<ClientRegistration>, StoreError> {
        self.operation("list_registrations", rows::page(&self.pools.vending, filter)).await
    }

    async fn update_registration(
        &self,
        change: &RegistrationChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("update_registration", changes::update(&self.pools.vending, change, record)).await
    }

    async fn delete_registration(
        &self,
        key: &RegistrationKey,
        expected: Option<RowVersion>,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        let deleted = deletion::delete(&self.pools.vending, key, expected, at, record);
        self.operation("delete_registration", deleted).await
    }

    async fn add_secret(&self, new: &NewSecret, record: &AuditRecord) -> Result<SecretOutcome, StoreError> {
        self.operation("add_secret", secrets::add(&self.pools.vending, new, record)).await
    }

    async fn retire_secret(
        &self,
        retirement: &SecretRetirement,
        record: &AuditRecord,
    ) -> Result<RetireOutcome, StoreError> {
        self.operation("retire_secret", secrets::retire(&self.pools.vending, retirement, record)).await
    }

    async fn note_secret_accepted(
        &self,
        key: &RegistrationKey,
        secret: SecretId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let noted = acceptance::note(&self.pools.rotation, key, secret, at);
        self.operation("note_secret_accepted", noted).await
    }

    async fn prune_requests(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.operation("prune_requests", requests::prune(&self.pools.vending, before, limit)).await
    }
}

impl PostgresStore {
    /// The first data key of a purpose of each tenant, of at most so many tenants: what a start opens to see that its
    /// keys fit.
    pub async fn oldest_data_keys(
        &self,
        purpose: KeyPurpose,
        limit: u32,
    ) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
        self.operation("oldest_data_keys", keys::oldest(&self.pools.vending, purpose, limit)).await
    }

    /// Which of these key encryption keys wrap a data key of that purpose.
    pub async fn wrapping_keys(
        &self,
        purpose: KeyPurpose,
        among: &[KekId],
    ) -> Result<Vec<KekId>, StoreError> {
        self.operation("wrapping_keys", keys::wrapping(&self.pools.vending, purpose, among)).await
    }
}
