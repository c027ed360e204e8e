//! Registrations as OAuth clients.

use std::collections::BTreeMap;

use broker_core::ports::StoreError;
use broker_core::{ClientRegistration, ProviderName, RegistrationId, TenantId, Timestamp};
use broker_crypto::Sealed;
use sqlx::PgPool;

use crate::columns::{name, scopes};
use crate::operation::failed;

struct RegistrationRow {
    tenant: String,
    provider: String,
    id: String,
    client_id: String,
    client_secret: Option<Vec<u8>>,
    redirect_uri: String,
    scopes: String,
    return_to: String,
    created_at: i64,
}

/// `false`: the id is taken. A tenant that does not exist is inconsistent.
pub(super) async fn insert(pool: &PgPool, registration: &ClientRegistration) -> Result<bool, StoreError> {
    let return_to =
        serde_json::to_string(&registration.return_to).map_err(|_| StoreError::Inconsistent("return_to"))?;
    let inserted = sqlx::query!(
        "INSERT INTO client_registrations (tenant, provider, id, client_id, client_secret, redirect_uri, scopes,
                                           return_to, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9)
         ON CONFLICT (tenant, provider, id) DO NOTHING",
        registration.tenant.as_str(),
        registration.provider.as_str(),
        registration.id.as_str(),
        registration.client_id.as_str(),
        registration.client_secret.as_ref().map(|secret| secret.as_bytes()),
        registration.redirect_uri.as_str(),
        registration.scopes.join(" "),
        return_to,
        registration.created_at.as_unix_micros(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn read(
    pool: &PgPool,
    tenant: &TenantId,
    provider: &ProviderName,
    id: &RegistrationId,
) -> Result<Option<ClientRegistration>, StoreError> {
    sqlx::query_as!(
        RegistrationRow,
        r#"SELECT tenant, provider, id, client_id, client_secret, redirect_uri, scopes,
                  return_to::text AS "return_to!", created_at
           FROM client_registrations WHERE tenant = $1 AND provider = $2 AND id = $3"#,
        tenant.as_str(),
        provider.as_str(),
        id.as_str(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(from_row)
    .transpose()
}

pub(super) async fn first(
    pool: &PgPool,
    tenant: &TenantId,
    provider: &ProviderName,
) -> Result<Option<ClientRegistration>, StoreError> {
    sqlx::query_as!(
        RegistrationRow,
        r#"SELECT tenant, provider, id, client_id, client_secret, redirect_uri, scopes,
                  return_to::text AS "return_to!", created_at
           FROM client_registrations WHERE tenant = $1 AND provider = $2 ORDER BY created_at, number LIMIT 1"#,
        tenant.as_str(),
        provider.as_str(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(from_row)
    .transpose()
}

fn from_row(row: RegistrationRow) -> Result<ClientRegistration, StoreError> {
    let return_to: BTreeMap<String, String> =
        serde_json::from_str(&row.return_to).map_err(|_| StoreError::Inconsistent("return_to"))?;
    Ok(ClientRegistration {
        tenant: name(row.tenant, TenantId::new, "tenant")?,
        provider: name(row.provider, ProviderName::new, "provider")?,
        id: name(row.id, RegistrationId::new, "id")?,
        client_id: row.client_id,
        client_secret: row.client_secret.map(Sealed::from_bytes),
        redirect_uri: row.redirect_uri,
        scopes: scopes(&row.scopes),
        return_to,
        created_at: Timestamp::from_unix_micros(row.created_at),
    })
}
