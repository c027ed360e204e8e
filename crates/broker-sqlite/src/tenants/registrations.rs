//! Registrations as OAuth clients.

use std::collections::BTreeMap;

use broker_core::ports::StoreError;
use broker_core::{ClientRegistration, ProviderName, RegistrationId, TenantId};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

macro_rules! registration_columns {
    () => {
        "tenant, provider, id, client_id, client_secret, redirect_uri, scopes, return_to, created_at"
    };
}

/// `false`: the id is taken. A tenant that does not exist is inconsistent.
pub(super) async fn insert(pool: &SqlitePool, registration: &ClientRegistration) -> Result<bool, StoreError> {
    let return_to =
        serde_json::to_string(&registration.return_to).map_err(|_| StoreError::Inconsistent("return_to"))?;
    let inserted = sqlx::query(
        "INSERT INTO client_registrations (tenant, provider, id, client_id, client_secret, redirect_uri, scopes,
                                           return_to, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (tenant, provider, id) DO NOTHING",
    )
    .bind(registration.tenant.as_str())
    .bind(registration.provider.as_str())
    .bind(registration.id.as_str())
    .bind(registration.client_id.as_str())
    .bind(registration.client_secret.as_ref().map(|secret| secret.as_bytes()))
    .bind(registration.redirect_uri.as_str())
    .bind_scopes(&registration.scopes)
    .bind(return_to)
    .bind_time(registration.created_at)
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn read(
    pool: &SqlitePool,
    tenant: &TenantId,
    provider: &ProviderName,
    id: &RegistrationId,
) -> Result<Option<ClientRegistration>, StoreError> {
    sqlx::query(concat!(
        "SELECT ",
        registration_columns!(),
        " FROM client_registrations WHERE tenant = ?1 AND provider = ?2 AND id = ?3"
    ))
    .bind(tenant.as_str())
    .bind(provider.as_str())
    .bind(id.as_str())
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(|row| from_row(&row))
    .transpose()
}

pub(super) async fn first(
    pool: &SqlitePool,
    tenant: &TenantId,
    provider: &ProviderName,
) -> Result<Option<ClientRegistration>, StoreError> {
    sqlx::query(concat!(
        "SELECT ",
        registration_columns!(),
        " FROM client_registrations WHERE tenant = ?1 AND provider = ?2
         ORDER BY created_at, number LIMIT 1"
    ))
    .bind(tenant.as_str())
    .bind(provider.as_str())
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(|row| from_row(&row))
    .transpose()
}

fn from_row(row: &SqliteRow) -> Result<ClientRegistration, StoreError> {
    let return_to: BTreeMap<String, String> =
        serde_json::from_str(&row.text("return_to")?).map_err(|_| StoreError::Inconsistent("return_to"))?;
    Ok(ClientRegistration {
        tenant: row.name("tenant", TenantId::new)?,
        provider: row.name("provider", ProviderName::new)?,
        id: row.name("id", RegistrationId::new)?,
        client_id: row.text("client_id")?,
        client_secret: row.optional_sealed("client_secret")?,
        redirect_uri: row.text("redirect_uri")?,
        scopes: row.scopes("scopes")?,
        return_to,
        created_at: row.time("created_at")?,
    })
}
