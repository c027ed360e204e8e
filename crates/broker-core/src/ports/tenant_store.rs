//! Tenants, their keys and their client registrations.

use async_trait::async_trait;

use super::StoreError;
use crate::{ClientRegistration, ProviderName, RegistrationId, Tenant, TenantId};

/// Tenants and what belongs to them.
#[async_trait]
pub trait TenantStore: Send + Sync {
    /// Creates a tenant with its first keys. `false`: the id is taken.
    async fn create_tenant(&self, tenant: &Tenant) -> Result<bool, StoreError>;

    /// The tenant of that id.
    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError>;

    /// Creates a client registration of an existing tenant. `false`: the id is taken.
    async fn create_registration(&self, registration: &ClientRegistration) -> Result<bool, StoreError>;

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
}
