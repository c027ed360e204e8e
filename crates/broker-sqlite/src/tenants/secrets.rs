//! The secrets of registrations.

use broker_core::ports::{
    ChangeOutcome, CreateOutcome, NewSecret, RegistrationKey, RetireOutcome, SecretOutcome, SecretRetirement,
    StoreError,
};
use broker_core::{AuditRecord, RegisteredSecret, SecretId, Timestamp};
use sqlx::SqliteConnection;

use super::changes;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::requests;

/// How the secrets of a registration stand.
struct Standing {
    made: u32,
    kept: u32,
    /// The lowest and the highest position.
    positions: (i64, i64),
}

pub(super) async fn add(
    connection: &mut SqliteConnection,
    new: &NewSecret,
    record: &AuditRecord,
) -> Result<SecretOutcome, StoreError> {
    let (key, request) = (&new.key, new.request.as_ref());
    match requests::before(connection, key.tenant.as_str(), request).await? {
        Some(CreateOutcome::Repeated(secret)) => {
            let id = SecretId::parse(&secret).ok_or(StoreError::Inconsistent("resource"))?;
            return Ok(SecretOutcome::Repeated(id));
        }
        Some(_) => return Ok(SecretOutcome::IdReused),
        None => {}
    }
    let Some(standing) = standing(connection, key).await? else { return Ok(SecretOutcome::Absent) };
    if standing.made.checked_add(1) != Some(new.secret.id.get()) {
        return Ok(SecretOutcome::NumberTaken);
    }
    if standing.kept >= new.most {
        return Ok(SecretOutcome::Full);
    }
    let (lowest, highest) = standing.positions;
    let position = if new.prefer { lowest - 1 } else { highest + 1 };
    insert(connection, key, &new.secret, position).await?;
    note_change(connection, key, new.secret.id.get(), new.secret.created_at).await?;
    requests::keep(connection, key.tenant.as_str(), request, &new.secret.id.to_string()).await?;
    audit::write(connection, record).await?;
    Ok(SecretOutcome::Added)
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
    secret: &RegisteredSecret,
    position: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO client_secrets (tenant, provider, registration, number, position, client_secret, created_at,
                                     last_accepted_at, refused_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind_registration(key)
    .bind(secret.id.get())
    .bind(position)
    .bind(secret.sealed.as_bytes())
    .bind_time(secret.created_at)
    .bind_optional_time(secret.last_accepted_at)
    .bind_optional_time(secret.refused_at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn retire(
    connection: &mut SqliteConnection,
    retirement: &SecretRetirement,
    record: &AuditRecord,
) -> Result<RetireOutcome, StoreError> {
    let key = &retirement.key;
    match changes::refusal(connection, key, retirement.expected).await? {
        None => {}
        Some(ChangeOutcome::Stale) => return Ok(RetireOutcome::Stale),
        Some(_) => return Ok(RetireOutcome::Absent),
    }
    if !exists(connection, key, retirement.secret).await? {
        return Ok(RetireOutcome::NoSuchSecret);
    }
    let Some(standing) = standing(connection, key).await? else { return Ok(RetireOutcome::Absent) };
    if standing.kept == 1 {
        return Ok(RetireOutcome::Last);
    }
    sqlx::query(
        "DELETE FROM client_secrets WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND number = ?4",
    )
    .bind_registration(key)
    .bind(retirement.secret.get())
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    note_change(connection, key, standing.made, retirement.at).await?;
    audit::write(connection, record).await?;
    Ok(RetireOutcome::Retired)
}

async fn exists(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
    secret: SecretId,
) -> Result<bool, StoreError> {
    let found = sqlx::query(
        "SELECT 1 FROM client_secrets WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND number = ?4",
    )
    .bind_registration(key)
    .bind(secret.get())
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(found.is_some())
}

async fn standing(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
) -> Result<Option<Standing>, StoreError> {
    let row = sqlx::query(
        "SELECT r.secrets_made, count(s.number) AS kept, coalesce(min(s.position), 0) AS lowest,
                coalesce(max(s.position), 0) AS highest
         FROM client_registrations r
         LEFT JOIN client_secrets s ON s.tenant = r.tenant AND s.provider = r.provider AND s.registration = r.id
         WHERE r.tenant = ?1 AND r.provider = ?2 AND r.id = ?3 AND r.deleted_at IS NULL
         GROUP BY r.number",
    )
    .bind_registration(key)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Standing {
        made: row.number("secrets_made")?,
        kept: row.number("kept")?,
        positions: (row.number("lowest")?, row.number("highest")?),
    }))
}

/// The registration has other secrets: another version, and its canary may be claimed at once.
async fn note_change(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
    secrets_made: u32,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE client_registrations SET secrets_made = ?4, updated_at = ?5, version = version + 1
         WHERE tenant = ?1 AND provider = ?2 AND id = ?3",
    )
    .bind_registration(key)
    .bind(secrets_made)
    .bind_time(at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query(
        "UPDATE registration_pauses SET canary_at = min(canary_at, ?4)
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3",
    )
    .bind_registration(key)
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
