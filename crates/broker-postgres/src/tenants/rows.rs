//! Reading registrations: a row for each of their secrets, in the order in which they are tried.

use std::collections::BTreeMap;

use broker_core::ports::{RegistrationFilter, StoreError};
use broker_core::{
    ClientRegistration, GrantWindow, ProviderName, RegisteredSecret, RegistrationId, SecretId, TenantId,
    Timestamp,
};
use broker_crypto::Sealed;
use sqlx::PgPool;

use crate::columns::{name, number, scopes, time, version, word};
use crate::operation::failed;
use crate::scope;

struct RegistrationRow {
    tenant: String,
    provider: String,
    id: String,
    client_id: String,
    secrets_made: i32,
    redirect_uri: String,
    scopes: String,
    return_to: String,
    grant_window: Option<String>,
    allow_device_authorization: bool,
    rejected: bool,
    created_at: i64,
    updated_at: i64,
    version: i64,
    secret_number: Option<i32>,
    client_secret: Option<Vec<u8>>,
    secret_created_at: Option<i64>,
    last_accepted_at: Option<i64>,
    refused_at: Option<i64>,
}

pub(super) async fn read(
    pool: &PgPool,
    tenant: &TenantId,
    provider: &ProviderName,
    id: &RegistrationId,
) -> Result<Option<ClientRegistration>, StoreError> {
    let rows = sqlx::query_as!(
        RegistrationRow,
        r#"SELECT tenant AS "tenant!", provider AS "provider!", id AS "id!", client_id AS "client_id!",
                  secrets_made AS "secrets_made!", redirect_uri AS "redirect_uri!", scopes AS "scopes!",
                  return_to AS "return_to!", grant_window, rejected AS "rejected!", created_at AS "created_at!",
                  updated_at AS "updated_at!", version AS "version!", secret_number, client_secret,
                  secret_created_at, last_accepted_at, refused_at,
                  allow_device_authorization AS "allow_device_authorization!"
           FROM registration_rows WHERE tenant = $1 AND provider = $2 AND id = $3
           ORDER BY refused_at NULLS FIRST, secret_position"#,
        tenant.as_str(),
        provider.as_str(),
        id.as_str(),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(gathered(rows)?.pop())
}

pub(super) async fn first(
    pool: &PgPool,
    tenant: &TenantId,
    provider: &ProviderName,
) -> Result<Option<ClientRegistration>, StoreError> {
    let rows = sqlx::query_as!(
        RegistrationRow,
        r#"SELECT tenant AS "tenant!", provider AS "provider!", id AS "id!", client_id AS "client_id!",
                  secrets_made AS "secrets_made!", redirect_uri AS "redirect_uri!", scopes AS "scopes!",
                  return_to AS "return_to!", grant_window, rejected AS "rejected!", created_at AS "created_at!",
                  updated_at AS "updated_at!", version AS "version!", secret_number, client_secret,
                  secret_created_at, last_accepted_at, refused_at,
                  allow_device_authorization AS "allow_device_authorization!"
           FROM registration_rows
           WHERE tenant = $1 AND provider = $2 AND id = (
               SELECT c.id FROM client_registrations c
               WHERE c.tenant = $1 AND c.provider = $2 AND c.deleted_at IS NULL
               ORDER BY c.created_at, c.number LIMIT 1)
           ORDER BY refused_at NULLS FIRST, secret_position"#,
        tenant.as_str(),
        provider.as_str(),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(gathered(rows)?.pop())
}

pub(super) async fn page(
    pool: &PgPool,
    filter: &RegistrationFilter,
) -> Result<Vec<ClientRegistration>, StoreError> {
    let after = filter.after.as_ref();
    let mut tx = scope::of_tenant(pool, &filter.tenant).await?;
    let rows = sqlx::query_as!(
        RegistrationRow,
        r#"SELECT tenant AS "tenant!", provider AS "provider!", id AS "id!", client_id AS "client_id!",
                  secrets_made AS "secrets_made!", redirect_uri AS "redirect_uri!", scopes AS "scopes!",
                  return_to AS "return_to!", grant_window, rejected AS "rejected!", created_at AS "created_at!",
                  updated_at AS "updated_at!", version AS "version!", secret_number, client_secret,
                  secret_created_at, last_accepted_at, refused_at,
                  allow_device_authorization AS "allow_device_authorization!"
           FROM registration_rows
           WHERE tenant = $1 AND (provider, id) IN (
               SELECT c.provider, c.id FROM client_registrations c
               WHERE c.tenant = $1 AND c.deleted_at IS NULL AND ($2::text IS NULL OR c.provider = $2)
                 AND (c.created_at, c.provider, c.id) > ($3, $4, $5)
               ORDER BY c.created_at, c.provider, c.id LIMIT $6)
           ORDER BY created_at, provider, id, refused_at NULLS FIRST, secret_position"#,
        filter.tenant.as_str(),
        filter.provider.as_ref().map(ProviderName::as_str),
        after.map_or(i64::MIN, |(created_at, ..)| created_at.as_unix_micros()),
        after.map_or("", |(_, provider, _)| provider.as_str()),
        after.map_or("", |(.., id)| id.as_str()),
        i64::from(filter.limit),
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    gathered(rows)
}

/// Puts the rows of each registration together.
fn gathered(rows: Vec<RegistrationRow>) -> Result<Vec<ClientRegistration>, StoreError> {
    let mut registrations: Vec<ClientRegistration> = Vec::new();
    for mut row in rows {
        let secret = row.take_secret()?;
        let registration = row.registration()?;
        let same =
            |last: &ClientRegistration| last.provider == registration.provider && last.id == registration.id;
        if !registrations.last().is_some_and(same) {
            registrations.push(registration);
        }
        if let (Some(last), Some(secret)) = (registrations.last_mut(), secret) {
            last.secrets.push(secret);
        }
    }
    Ok(registrations)
}

impl RegistrationRow {
    fn take_secret(&mut self) -> Result<Option<RegisteredSecret>, StoreError> {
        let (Some(id), Some(sealed), Some(created_at)) =
            (self.secret_number, self.client_secret.take(), self.secret_created_at)
        else {
            return Ok(None);
        };
        Ok(Some(RegisteredSecret {
            id: SecretId::new(number(id, "secret_number")?)
                .ok_or(StoreError::Inconsistent("secret_number"))?,
            sealed: Sealed::from_bytes(sealed),
            created_at: Timestamp::from_unix_micros(created_at),
            last_accepted_at: time(self.last_accepted_at),
            refused_at: time(self.refused_at),
        }))
    }

    /// Without its secrets.
    fn registration(self) -> Result<ClientRegistration, StoreError> {
        let return_to: BTreeMap<String, String> =
            serde_json::from_str(&self.return_to).map_err(|_| StoreError::Inconsistent("return_to"))?;
        Ok(ClientRegistration {
            tenant: name(self.tenant, TenantId::new, "tenant")?,
            provider: name(self.provider, ProviderName::new, "provider")?,
            id: name(self.id, RegistrationId::new, "id")?,
            client_id: self.client_id,
            secrets: Vec::new(),
            secrets_made: number(self.secrets_made, "secrets_made")?,
            redirect_uri: self.redirect_uri,
            scopes: scopes(&self.scopes),
            return_to,
            grant_window: self
                .grant_window
                .map(|kept| word(&kept, GrantWindow::from_text, "grant_window"))
                .transpose()?,
            allow_device_authorization: self.allow_device_authorization,
            rejected: self.rejected,
            created_at: Timestamp::from_unix_micros(self.created_at),
            updated_at: Timestamp::from_unix_micros(self.updated_at),
            version: version(self.version, "version")?,
        })
    }
}
