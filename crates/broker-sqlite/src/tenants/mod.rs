//! Tenants, their data keys and their client registrations.

mod registrations;

use async_trait::async_trait;
use broker_core::ports::{StoreError, TenantStore};
use broker_core::{ClientRegistration, ProviderName, RegistrationId, Tenant, TenantId};
use broker_crypto::{DekId, KeyPurpose, WrappedDek};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::columns::{BindDomain, Columns};
use crate::operation::{failed, operation};

#[async_trait]
impl TenantStore for SqliteStore {
    async fn create_tenant(&self, tenant: &Tenant) -> Result<bool, StoreError> {
        operation("create_tenant", async {
            let mut tx = self.write().await?;
            if !insert_tenant(&mut tx, tenant).await? {
                return Ok(false);
            }
            insert_keys(&mut tx, tenant).await?;
            tx.commit().await.map_err(failed)?;
            Ok(true)
        })
        .await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
        operation("tenant", async { read(&mut *self.read().await?, id).await }).await
    }

    async fn create_registration(&self, registration: &ClientRegistration) -> Result<bool, StoreError> {
        operation("create_registration", registrations::insert(&self.writer, registration)).await
    }

    async fn registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        id: &RegistrationId,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        operation("registration", registrations::read(&self.readers, tenant, provider, id)).await
    }

    async fn first_registration(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
    ) -> Result<Option<ClientRegistration>, StoreError> {
        operation("first_registration", registrations::first(&self.readers, tenant, provider)).await
    }
}

impl SqliteStore {
    /// The first data key of each tenant, of at most so many tenants: what a start opens to see that its keys fit.
    pub async fn oldest_data_keys(&self, limit: u32) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
        operation("oldest_data_keys", async {
            sqlx::query(
                "SELECT tenant, id, purpose, envelope FROM data_keys k
                 WHERE number = (SELECT min(number) FROM data_keys o WHERE o.tenant = k.tenant AND o.retired_at IS NULL)
                 ORDER BY tenant LIMIT ?1",
            )
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?
            .iter()
            .map(|row| Ok((row.name("tenant", TenantId::new)?, key_from_row(row)?)))
            .collect()
        })
        .await
    }
}

async fn insert_tenant(connection: &mut SqliteConnection, tenant: &Tenant) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO tenants (id, display_name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
    )
    .bind(tenant.id.as_str())
    .bind(tenant.display_name.as_str())
    .bind_time(tenant.created_at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

async fn insert_keys(connection: &mut SqliteConnection, tenant: &Tenant) -> Result<(), StoreError> {
    for (number, key) in (1i64..).zip(tenant.keys.iter().rev()) {
        let wrapping_key = key.wrapping_key().ok_or(StoreError::Inconsistent("envelope"))?;
        sqlx::query(
            "INSERT INTO data_keys (tenant, number, id, purpose, envelope, wrapping_key, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(tenant.id.as_str())
        .bind(number)
        .bind(key.id.as_bytes().as_slice())
        .bind(key.purpose.as_str())
        .bind(key.envelope.as_slice())
        .bind(wrapping_key.as_str())
        .bind_time(tenant.created_at)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    }
    Ok(())
}

/// Two statements, and no transaction: a tenant and its first keys are committed together, and those that come or go
/// between the two are as good as of a moment later.
async fn read(connection: &mut SqliteConnection, id: &TenantId) -> Result<Option<Tenant>, StoreError> {
    let row = sqlx::query("SELECT display_name, created_at FROM tenants WHERE id = ?1")
        .bind(id.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Tenant {
        id: id.clone(),
        display_name: row.text("display_name")?,
        keys: read_keys(connection, id).await?,
        created_at: row.time("created_at")?,
    }))
}

async fn read_keys(connection: &mut SqliteConnection, id: &TenantId) -> Result<Vec<WrappedDek>, StoreError> {
    sqlx::query(
        "SELECT id, purpose, envelope FROM data_keys
         WHERE tenant = ?1 AND retired_at IS NULL ORDER BY number DESC",
    )
    .bind(id.as_str())
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(key_from_row)
    .collect()
}

fn key_from_row(row: &SqliteRow) -> Result<WrappedDek, StoreError> {
    let id: Vec<u8> = row.get_as("id")?;
    Ok(WrappedDek {
        id: DekId::from_bytes(&id).ok_or(StoreError::Inconsistent("data key id"))?,
        purpose: row.word("purpose", KeyPurpose::from_name)?,
        envelope: row.get_as("envelope")?,
    })
}
