//! Tenants, their data keys and their client registrations.

mod acceptance;
mod changes;
mod deletion;
mod keys;
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
use broker_crypto::{KeyPurpose, WrappedDek};

use crate::SqliteStore;
use crate::operation::failed;
use crate::requests;

#[async_trait]
impl TenantStore for SqliteStore {
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        self.operation("create_tenant", async {
            let mut tx = self.write().await?;
            let outcome = tenant::create(&mut tx, tenant, request, record).await?;
            tx.commit().await.map_err(failed)?;
            Ok(outcome)
        })
        .await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.operation("tenant", async { tenant::read(&mut *self.read().await?, id).await }).await
    }

    async fn list_tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        self.operation("list_tenants", tenant::page(&self.readers, after, limit)).await
    }

    async fn update_tenant(
        &self,
        change: &TenantChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("update_tenant", async {
            let mut tx = self.write().await?;
            let outcome = tenant::update(&mut tx, change, record).await?;
            tx.commit().await.map_err(failed)?;
            Ok(outcome)
        })
        .await
    }

    async fn create_registration(
        &self,
        registration: &ClientRegistration,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        let quota = self.quotas.of(&registration.tenant, QuotaKind::ClientRegistrations);
        self.operation("create_registration", async {
            let mut tx = self.write().await?;
            let outcome = registrations::create(&mut tx, registration, request, quota, record).await?;
            if !matches!(outcome, CreateOutcome::OverQuota(_)) {
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        id: &RegistrationId,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        self.operation("registration", rows::read(&self.readers, tenant, provider, id)).await
    }

    async fn first_registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        self.operation("first_registration", rows::first(&self.readers, tenant, provider)).await
    }

    async fn list_registrations(
        &self,
        filter: &RegistrationFilter,
    ) -> Result<Vec<ClientRegistration>, StoreError> {
        self.operation("list_registrations", rows::page(&self.readers, filter)).await
    }

    async fn update_registration(
        &self,
        change: &RegistrationChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("update_registration", async {
            let mut tx = self.write().await?;
            let outcome = changes::update(&mut tx, change, record).await?;
            tx.commit().await.map_err(failed)?;
            Ok(outcome)
        })
        .await
    }

    async fn delete_registration(
        &self,
        key: &RegistrationKey,
        expected: Option<RowVersion>,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("delete_registration", async {
            let mut tx = self.write().await?;
            let outcome = deletion::delete(&mut tx, key, expected, at, record).await?;
            tx.commit().await.map_err(failed)?;
            Ok(outcome)
        })
        .await
    }

    async fn add_secret(&self, new: &NewSecret, record: &AuditRecord) -> Result<SecretOutcome, StoreError> {
        self.operation("add_secret", async {
            let mut tx = self.write().await?;
            let outcome = secrets::add(&mut tx, new, record).await?;
            tx.commit().await.map_err(failed)?;
            Ok(outcome)
        })
        .await
    }

    async fn retire_secret(
        &self,
        retirement: &SecretRetirement,
        record: &AuditRecord,
    ) -> Result<RetireOutcome, StoreError> {
        self.operation("retire_secret", async {
            let mut tx = self.write().await?;
            let outcome = secrets::retire(&mut tx, retirement, record).await?;
            tx.commit().await.map_err(failed)?;
            Ok(outcome)
        })
        .await
    }

    async fn note_secret_accepted(
        &self,
        key: &RegistrationKey,
        secret: SecretId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.operation("note_secret_accepted", async {
            let mut tx = self.write().await?;
            acceptance::note(&mut tx, key, secret, at).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn prune_requests(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.operation("prune_requests", requests::prune(&self.writer, before, limit)).await
    }
}

impl SqliteStore {
    /// The first data key of a purpose of each tenant, of at most so many tenants: what a start opens to see that its
    /// keys fit.
    pub async fn oldest_data_keys(
        &self,
        purpose: KeyPurpose,
        limit: u32,
    ) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
        self.operation("oldest_data_keys", keys::oldest(&self.readers, purpose, limit)).await
    }
}
