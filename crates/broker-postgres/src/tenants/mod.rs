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

use crate::requests;
use crate::{PostgresStore, ProcessRole};

#[async_trait]
impl TenantStore for PostgresStore {
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        self.operation("create_tenant", tenant::create(&self.pools.admin, tenant, request, record)).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.operation("tenant", tenant::read(&self.pools.consent, id, self.process_role)).await
    }

    async fn list_tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        self.operation("list_tenants", tenant::page(&self.pools.admin, after, limit)).await
    }

    async fn update_tenant(
        &self,
        change: &TenantChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("update_tenant", tenant::update(&self.pools.admin, change, record)).await
    }

    async fn create_registration(
        &self,
        registration: &ClientRegistration,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        let quota = self.quotas.of(&registration.tenant, QuotaKind::ClientRegistrations);
        let created = registrations::create(&self.pools.admin, registration, request, quota, record);
        self.operation("create_registration", created).await
    }

    async fn registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        id: &RegistrationId,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        self.operation("registration", rows::read(&self.pools.consent, tenant, provider, id)).await
    }

    async fn first_registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        self.operation("first_registration", rows::first(&self.pools.consent, tenant, provider)).await
    }

    async fn list_registrations(
        &self,
        filter: &RegistrationFilter,
    ) -> Result<Vec<ClientRegistration>, StoreError> {
        self.operation("list_registrations", rows::page(&self.pools.admin, filter)).await
    }

    async fn update_registration(
        &self,
        change: &RegistrationChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("update_registration", changes::update(&self.pools.admin, change, record)).await
    }

    async fn delete_registration(
        &self,
        key: &RegistrationKey,
        expected: Option<RowVersion>,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        let deleted = deletion::delete(&self.pools.admin, key, expected, at, record);
        self.operation("delete_registration", deleted).await
    }

    async fn add_secret(&self, new: &NewSecret, record: &AuditRecord) -> Result<SecretOutcome, StoreError> {
        self.operation("add_secret", secrets::add(&self.pools.admin, new, record)).await
    }

    async fn retire_secret(
        &self,
        retirement: &SecretRetirement,
        record: &AuditRecord,
    ) -> Result<RetireOutcome, StoreError> {
        self.operation("retire_secret", secrets::retire(&self.pools.admin, retirement, record)).await
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
        self.operation("prune_requests", requests::prune(&self.pools.consent, before, limit)).await
    }
}

impl PostgresStore {
    /// The first data key of a purpose of each tenant, of at most so many tenants: what a start opens to see that its
    /// keys fit. An API process sees keys of purpose `access` alone.
    pub async fn oldest_data_keys(
        &self,
        purpose: KeyPurpose,
        limit: u32,
    ) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
        self.operation("oldest_data_keys", async {
            match (self.process_role, purpose) {
                (ProcessRole::Api, KeyPurpose::Access) => {
                    keys::oldest_access(&self.pools.vending, limit).await
                }
                _ => keys::oldest(&self.pools.consent, purpose, limit).await,
            }
        })
        .await
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
