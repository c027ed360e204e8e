//! The keys of the audit log, wrapped.

use broker_core::Timestamp;
use broker_core::ports::StoreError;
use broker_crypto::{DekId, KeyPurpose, WrappedDek};
use sqlx::{PgConnection, PgPool};

use crate::columns::{uuid, word};
use crate::operation::failed;
use crate::tenants::keys::wrapping_key;

/// Keeps a key, unless there is one of its purpose.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    key: &WrappedDek,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query!(
        "INSERT INTO audit_keys (purpose, id, envelope, wrapping_key, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        key.purpose.as_str(),
        uuid(key.id.as_bytes()),
        key.envelope,
        wrapping_key(key)?,
        at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn keep(pool: &PgPool, key: &WrappedDek, at: Timestamp) -> Result<WrappedDek, StoreError> {
    insert(&mut *pool.acquire().await.map_err(failed)?, key, at).await?;
    let kept = all(pool).await?.into_iter().find(|kept| kept.purpose == key.purpose);
    kept.ok_or(StoreError::Inconsistent("a key of the audit log that was kept is not there"))
}

pub(super) async fn all(pool: &PgPool) -> Result<Vec<WrappedDek>, StoreError> {
    let rows = sqlx::query!("SELECT purpose, id, envelope FROM audit_keys ORDER BY purpose")
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    let keys = rows.into_iter().map(|row| {
        Ok(WrappedDek {
            id: DekId::from_bytes(row.id.as_bytes()).ok_or(StoreError::Inconsistent("id"))?,
            purpose: word(&row.purpose, KeyPurpose::from_name, "purpose")?,
            envelope: row.envelope,
        })
    });
    keys.collect()
}

pub(super) async fn rewrap(
    pool: &PgPool,
    before: &WrappedDek,
    after: &WrappedDek,
) -> Result<bool, StoreError> {
    let rewrapped = sqlx::query!(
        "UPDATE audit_keys SET envelope = $3, wrapping_key = $4 WHERE id = $1 AND envelope = $2",
        uuid(before.id.as_bytes()),
        before.envelope,
        after.envelope,
        wrapping_key(after)?,
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(rewrapped.rows_affected() == 1)
}
