//! Tenants, their data keys and their client registrations.

pub(crate) mod keys;
mod registrations;

use async_trait::async_trait;
use broker_core::ports::{StoreError, TenantStore};
use broker_core::{ClientRegistration, ProviderName, RegistrationId, Tenant, TenantId, Timestamp};
use broker_crypto::WrappedDek;
use sqlx::PgPool;
use uuid::Uuid;

use crate::PostgresStore;
use crate::operation::failed;

#[async_trait]
impl TenantStore for PostgresStore {
    async fn create_tenant(&self, tenant: &Tenant) -> Result<bool, StoreError> {
        self.operation("create_tenant", insert(&self.pools.vending, tenant)).await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        self.operation("tenant", read(&self.pools.vending, id)).await
    }

    async fn create_registration(&self, registration: &ClientRegistration) -> Result<bool, StoreError> {
        self.operation("create_registration", registrations::insert(&self.pools.vending, registration)).await
    }

    async fn registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        id: &RegistrationId,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        self.operation("registration", registrations::read(&self.pools.vending, tenant, provider, id)).await
    }

    async fn first_registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        self.operation("first_registration", registrations::first(&self.pools.vending, tenant, provider))
            .await
    }
}

impl PostgresStore {
    /// The first data key of each tenant, of at most so many tenants: what a start opens to see that its keys fit.
    pub async fn oldest_data_keys(&self, limit: u32) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
        self.operation("oldest_data_keys", keys::oldest(&self.pools.vending, limit)).await
    }
}

/// One statement keeps a tenant and its keys, or nothing.
async fn insert(pool: &PgPool, tenant: &Tenant) -> Result<bool, StoreError> {
    let oldest_first = || tenant.keys.iter().rev();
    let ids: Vec<Uuid> = oldest_first().map(|key| Uuid::from_bytes(*key.id.as_bytes())).collect();
    let purposes: Vec<String> = oldest_first().map(|key| key.purpose.as_str().to_owned()).collect();
    let envelopes: Vec<Vec<u8>> = oldest_first().map(|key| key.envelope.clone()).collect();
    let wrapping_keys = oldest_first().map(keys::wrapping_key).collect::<Result<Vec<_>, _>>()?;
    let inserted = sqlx::query_scalar!(
        r#"WITH made AS (
               INSERT INTO tenants (id, display_name, created_at) VALUES ($1, $2, $3)
               ON CONFLICT (id) DO NOTHING RETURNING id
           ), keyed AS (
               INSERT INTO data_keys (tenant, number, id, purpose, envelope, wrapping_key, created_at)
               SELECT made.id, k.number, k.id, k.purpose, k.envelope, k.wrapping_key, $3
               FROM made CROSS JOIN unnest($4::uuid[], $5::text[], $6::bytea[], $7::text[])
                    WITH ORDINALITY AS k (id, purpose, envelope, wrapping_key, number)
           )
           SELECT count(*) AS "made!" FROM made"#,
        tenant.id.as_str(),
        tenant.display_name.as_str(),
        tenant.created_at.as_unix_micros(),
        &ids,
        &purposes,
        &envelopes,
        &wrapping_keys,
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    Ok(inserted == 1)
}

/// Two statements, and no transaction: a tenant and its first keys are committed together, and those that come or go
/// between the two are as good as of a moment later.
async fn read(pool: &PgPool, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
    let row = sqlx::query!("SELECT display_name, created_at FROM tenants WHERE id = $1", id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Tenant {
        id: id.clone(),
        display_name: row.display_name,
        keys: keys::newest_first(pool, id).await?,
        created_at: Timestamp::from_unix_micros(row.created_at),
    }))
}
