//! Reading registrations: a row for each of their secrets.

use std::collections::BTreeMap;

use broker_core::ports::{RegistrationFilter, StoreError};
use broker_core::{
    ClientRegistration, GrantWindow, ProviderName, RegisteredSecret, RegistrationId, SecretId, TenantId,
    Timestamp,
};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// The order in which secrets are tried: NULL comes first.
macro_rules! trial_order {
    () => {
        "refused_at, secret_position"
    };
}

pub(super) async fn read(
    pool: &SqlitePool,
    tenant: &TenantId,
    provider: &ProviderName,
    id: &RegistrationId,
) -> Result<Option<ClientRegistration>, StoreError> {
    let rows = sqlx::query(concat!(
        "SELECT * FROM registration_rows WHERE tenant = ?1 AND provider = ?2 AND id = ?3 ORDER BY ",
        trial_order!()
    ))
    .bind(tenant.as_str())
    .bind(provider.as_str())
    .bind(id.as_str())
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(gathered(&rows)?.pop())
}

pub(super) async fn first(
    pool: &SqlitePool,
    tenant: &TenantId,
    provider: &ProviderName,
) -> Result<Option<ClientRegistration>, StoreError> {
    let rows = sqlx::query(concat!(
        "SELECT * FROM registration_rows WHERE number = (
             SELECT number FROM client_registrations WHERE tenant = ?1 AND provider = ?2 AND deleted_at IS NULL
             ORDER BY created_at, number LIMIT 1)
         ORDER BY ",
        trial_order!()
    ))
    .bind(tenant.as_str())
    .bind(provider.as_str())
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(gathered(&rows)?.pop())
}

pub(super) async fn page(
    pool: &SqlitePool,
    filter: &RegistrationFilter,
) -> Result<Vec<ClientRegistration>, StoreError> {
    let after = filter.after.as_ref();
    let rows = sqlx::query(concat!(
        "SELECT * FROM registration_rows WHERE number IN (
             SELECT number FROM client_registrations
             WHERE tenant = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR provider = ?2)
               AND (created_at, provider, id) > (?3, ?4, ?5)
             ORDER BY created_at, provider, id LIMIT ?6)
         ORDER BY created_at, provider, id, ",
        trial_order!()
    ))
    .bind(filter.tenant.as_str())
    .bind(filter.provider.as_ref().map(ProviderName::as_str))
    .bind_time(after.map_or(Timestamp::from_unix_micros(i64::MIN), |(created_at, ..)| *created_at))
    .bind(after.map_or("", |(_, provider, _)| provider.as_str()))
    .bind(after.map_or("", |(.., id)| id.as_str()))
    .bind(filter.limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    gathered(&rows)
}

/// Puts the rows of each registration together.
fn gathered(rows: &[SqliteRow]) -> Result<Vec<ClientRegistration>, StoreError> {
    let mut registrations: Vec<ClientRegistration> = Vec::new();
    for row in rows {
        let registration = registration(row)?;
        let same =
            |last: &ClientRegistration| last.provider == registration.provider && last.id == registration.id;
        if !registrations.last().is_some_and(same) {
            registrations.push(registration);
        }
        if let (Some(last), Some(secret)) = (registrations.last_mut(), secret(row)?) {
            last.secrets.push(secret);
        }
    }
    Ok(registrations)
}

/// Without its secrets.
fn registration(row: &SqliteRow) -> Result<ClientRegistration, StoreError> {
    let return_to: BTreeMap<String, String> =
        serde_json::from_str(&row.text("return_to")?).map_err(|_| StoreError::Inconsistent("return_to"))?;
    Ok(ClientRegistration {
        tenant: row.name("tenant", TenantId::new)?,
        provider: row.name("provider", ProviderName::new)?,
        id: row.name("id", RegistrationId::new)?,
        client_id: row.text("client_id")?,
        secrets: Vec::new(),
        secrets_made: row.number("secrets_made")?,
        redirect_uri: row.text("redirect_uri")?,
        scopes: row.scopes("scopes")?,
        return_to,
        grant_window: grant_window(row)?,
        allow_device_authorization: row.flag("allow_device_authorization")?,
        rejected: row.flag("rejected")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.version("version")?,
    })
}

fn grant_window(row: &SqliteRow) -> Result<Option<GrantWindow>, StoreError> {
    let Some(kept) = row.optional_text("grant_window")? else { return Ok(None) };
    GrantWindow::from_text(&kept).map(Some).ok_or(StoreError::Inconsistent("grant_window"))
}

fn secret(row: &SqliteRow) -> Result<Option<RegisteredSecret>, StoreError> {
    let Some(number) = row.optional_number::<u32>("secret_number")? else { return Ok(None) };
    Ok(Some(RegisteredSecret {
        id: SecretId::new(number).ok_or(StoreError::Inconsistent("secret_number"))?,
        sealed: row.sealed("client_secret")?,
        created_at: row.time("secret_created_at")?,
        last_accepted_at: row.optional_time("last_accepted_at")?,
        refused_at: row.optional_time("refused_at")?,
    }))
}
