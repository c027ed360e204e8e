//! The keys of the audit log, wrapped.

use broker_core::Timestamp;
use broker_core::ports::StoreError;
use broker_crypto::{DekId, KeyPurpose, WrappedDek};
use sqlx::{Sqlite, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Keeps a key, unless there is one of its purpose.
pub(crate) async fn insert(
    executor: impl sqlx::Executor<'_, Database = Sqlite>,
    key: &WrappedDek,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO audit_keys (purpose, id, envelope, wrapping_key, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )
    .bind(key.purpose.as_str())
    .bind(key.id.as_bytes().as_slice())
    .bind(key.envelope.as_slice())
    .bind(wrapping_key(key)?)
    .bind_time(at)
    .execute(executor)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn keep(
    pool: &SqlitePool,
    key: &WrappedDek,
    at: Timestamp,
) -> Result<WrappedDek, StoreError> {
    insert(pool, key, at).await?;
    let kept = all(pool).await?.into_iter().find(|kept| kept.purpose == key.purpose);
    kept.ok_or(StoreError::Inconsistent("a key of the audit log that was kept is not there"))
}

pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<WrappedDek>, StoreError> {
    let rows = sqlx::query("SELECT purpose, id, envelope FROM audit_keys ORDER BY purpose")
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    let keys = rows.iter().map(|row| {
        let id: Vec<u8> = row.get_as("id")?;
        Ok(WrappedDek {
            id: DekId::from_bytes(&id).ok_or(StoreError::Inconsistent("id"))?,
            purpose: row.word("purpose", KeyPurpose::from_name)?,
            envelope: row.get_as("envelope")?,
        })
    });
    keys.collect()
}

pub(super) async fn rewrap(
    pool: &SqlitePool,
    before: &WrappedDek,
    after: &WrappedDek,
) -> Result<bool, StoreError> {
    let rewrapped =
        sqlx::query("UPDATE audit_keys SET envelope = ?3, wrapping_key = ?4 WHERE id = ?1 AND envelope = ?2")
            .bind(before.id.as_bytes().as_slice())
            .bind(before.envelope.as_slice())
            .bind(after.envelope.as_slice())
            .bind(wrapping_key(after)?)
            .execute(pool)
            .await
            .map_err(failed)?;
    Ok(rewrapped.rows_affected() == 1)
}

/// The name of the key encryption key it is wrapped under.
fn wrapping_key(key: &WrappedDek) -> Result<String, StoreError> {
    let named = key.wrapping_key().ok_or(StoreError::Inconsistent("envelope"))?;
    Ok(named.as_str().to_owned())
}
