//! The secrets of registrations.

use broker_core::ports::{
    ChangeOutcome, CreateOutcome, NewSecret, RegistrationKey, RetireOutcome, SecretOutcome, SecretRetirement,
    StoreError,
};
use broker_core::{AuditRecord, RegisteredSecret, SecretId, Timestamp};
use sqlx::{PgConnection, PgPool};

use super::changes;
use crate::audit;
use crate::columns::{micros, number};
use crate::operation::failed;
use crate::requests;
use crate::scope;

/// How the secrets of a registration stand.
struct Standing {
    made: i32,
    kept: i64,
    /// The lowest position.
    lowest: i32,
    /// The highest position.
    highest: i32,
}

pub(super) async fn add(
    pool: &PgPool,
    new: &NewSecret,
    record: &AuditRecord,
) -> Result<SecretOutcome, StoreError> {
    let (key, request) = (&new.key, new.request.as_ref());
    let mut tx = scope::of_tenant(pool, &key.tenant).await?;
    match requests::before(&mut tx, key.tenant.as_str(), request).await? {
        Some(CreateOutcome::Repeated(secret)) => {
            let id = SecretId::parse(&secret).ok_or(StoreError::Inconsistent("resource"))?;
            return Ok(SecretOutcome::Repeated(id));
        }
        Some(_) => return Ok(SecretOutcome::IdReused),
        None => {}
    }
    if changes::refusal(&mut tx, key, None).await?.is_some() {
        return Ok(SecretOutcome::Absent);
    }
    let standing = standing(&mut tx, key).await?;
    let id = secret_number(new.secret.id)?;
    if standing.made.checked_add(1) != Some(id) {
        return Ok(SecretOutcome::NumberTaken);
    }
    if standing.kept >= i64::from(new.most) {
        return Ok(SecretOutcome::Full);
    }
    let position = if new.prefer { standing.lowest - 1 } else { standing.highest + 1 };
    insert(&mut tx, key, &new.secret, position).await?;
    note_change(&mut tx, key, id, new.secret.created_at).await?;
    requests::keep(&mut tx, key.tenant.as_str(), request, &new.secret.id.to_string()).await?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(SecretOutcome::Added)
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    key: &RegistrationKey,
    secret: &RegisteredSecret,
    position: i32,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO client_secrets (tenant, provider, registration, number, position, client_secret, created_at,
                                     last_accepted_at, refused_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        key.tenant.as_str(),
        key.provider.as_str(),
        key.id.as_str(),
        secret_number(secret.id)?,
        position,
        secret.sealed.as_bytes(),
        secret.created_at.as_unix_micros(),
        micros(secret.last_accepted_at),
        micros(secret.refused_at),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn retire(
    pool: &PgPool,
    retirement: &SecretRetirement,
    record: &AuditRecord,
) -> Result<RetireOutcome, StoreError> {
    let key = &retirement.key;
    let mut tx = scope::of_tenant(pool, &key.tenant).await?;
    match changes::refusal(&mut tx, key, retirement.expected).await? {
        None => {}
        Some(ChangeOutcome::Stale) => return Ok(RetireOutcome::Stale),
        Some(_) => return Ok(RetireOutcome::Absent),
    }
    let standing = standing(&mut tx, key).await?;
    let retired = sqlx::query!(
        "DELETE FROM client_secrets WHERE tenant = $1 AND provider = $2 AND registration = $3 AND number = $4",
        key.tenant.as_str(),
        key.provider.as_str(),
        key.id.as_str(),
        secret_number(retirement.secret)?,
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    match (retired.rows_affected(), standing.kept) {
        (0, _) => return Ok(RetireOutcome::NoSuchSecret),
        // Dropped without a commit, nothing is erased.
        (_, 1) => return Ok(RetireOutcome::Last),
        _ => {}
    }
    note_change(&mut tx, key, standing.made, retirement.at).await?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(RetireOutcome::Retired)
}

/// Of a registration that is there.
async fn standing(connection: &mut PgConnection, key: &RegistrationKey) -> Result<Standing, StoreError> {
    sqlx::query_as!(
        Standing,
        r#"SELECT r.secrets_made AS made, count(s.number) AS "kept!", coalesce(min(s.position), 0) AS "lowest!",
                  coalesce(max(s.position), 0) AS "highest!"
           FROM client_registrations r
           LEFT JOIN client_secrets s ON s.tenant = r.tenant AND s.provider = r.provider AND s.registration = r.id
           WHERE r.tenant = $1 AND r.provider = $2 AND r.id = $3
           GROUP BY r.secrets_made"#,
        key.tenant.as_str(),
        key.provider.as_str(),
        key.id.as_str(),
    )
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// The registration has other secrets: another version, and its canary may be claimed at once.
async fn note_change(
    connection: &mut PgConnection,
    key: &RegistrationKey,
    secrets_made: i32,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH passed AS (
             UPDATE registration_pauses SET canary_at = least(canary_at, $5)
             WHERE tenant = $1 AND provider = $2 AND registration = $3
         )
         UPDATE client_registrations SET secrets_made = $4, updated_at = $5, version = version + 1
         WHERE tenant = $1 AND provider = $2 AND id = $3",
        key.tenant.as_str(),
        key.provider.as_str(),
        key.id.as_str(),
        secrets_made,
        at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) fn secret_number(id: SecretId) -> Result<i32, StoreError> {
    number(id.get(), "number")
}
