//! Data keys, wrapped.

use broker_core::ports::{ChangedKey, DataKey, DataKeyQuery, StoreError, records};
use broker_core::{KeyRotationId, TenantId, Timestamp};
use broker_crypto::{DekId, KeyPurpose, WrappedDek};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::sealed;

macro_rules! data_key_columns {
    () => {
        "tenant, number, id, purpose, envelope, created_at, superseded_at, retired_at, sealed"
    };
}

pub(super) async fn changed(pool: &SqlitePool, since: Timestamp) -> Result<Vec<ChangedKey>, StoreError> {
    sqlx::query(
        "SELECT tenant, id, retired_at IS NOT NULL AS retired FROM data_keys WHERE created_at >= ?1
         UNION SELECT tenant, id, TRUE FROM data_keys WHERE retired_at >= ?1",
    )
    .bind_time(since)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(|row| {
        Ok(ChangedKey {
            tenant: row.name("tenant", TenantId::new)?,
            id: dek_id(row)?,
            retired: row.flag("retired")?,
        })
    })
    .collect()
}

pub(super) async fn page(pool: &SqlitePool, query: &DataKeyQuery) -> Result<Vec<DataKey>, StoreError> {
    let after = query.after.as_ref();
    sqlx::query(concat!(
        "SELECT ",
        data_key_columns!(),
        " FROM data_keys WHERE (?1 IS NULL OR tenant = ?1) AND (tenant, number) > (?2, ?3)
         ORDER BY tenant, number LIMIT ?4"
    ))
    .bind(query.tenant.as_ref().map(TenantId::as_str))
    .bind(after.map_or("", |(tenant, _)| tenant.as_str()))
    .bind(after.map_or(0, |(_, number)| number.cast_signed()))
    .bind(query.limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

pub(super) async fn read(pool: &SqlitePool, id: DekId) -> Result<Option<DataKey>, StoreError> {
    sqlx::query(concat!("SELECT ", data_key_columns!(), " FROM data_keys WHERE id = ?1"))
        .bind(id.as_bytes().as_slice())
        .fetch_optional(pool)
        .await
        .map_err(failed)?
        .map(|row| from_row(&row))
        .transpose()
}

pub(super) async fn tenant_after(
    pool: &SqlitePool,
    tenant: Option<&TenantId>,
) -> Result<Option<TenantId>, StoreError> {
    sqlx::query("SELECT id FROM tenants WHERE id > ?1 ORDER BY id LIMIT 1")
        .bind(tenant.map_or("", TenantId::as_str))
        .fetch_optional(pool)
        .await
        .map_err(failed)?
        .map(|row| row.name("id", TenantId::new))
        .transpose()
}

pub(super) async fn add(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    key: &WrappedDek,
    rotation: KeyRotationId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let wrapping_key = key.wrapping_key().ok_or(StoreError::Inconsistent("envelope"))?;
    let added = sqlx::query(
        "INSERT INTO data_keys (tenant, number, id, purpose, envelope, wrapping_key, rotation, created_at)
         SELECT ?1, (SELECT coalesce(max(number), 0) + 1 FROM data_keys WHERE tenant = ?1), ?2, ?3, ?4, ?5, ?6, ?7
         WHERE NOT EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = ?1)
         ON CONFLICT (tenant, purpose, rotation) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(key.id.as_bytes().as_slice())
    .bind(key.purpose.as_str())
    .bind(key.envelope.as_slice())
    .bind(wrapping_key.as_str())
    .bind(rotation.as_bytes().as_slice())
    .bind_time(at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if added.rows_affected() == 0 {
        return Ok(false);
    }
    supersede(connection, tenant, key, at).await?;
    audit::write(connection, &records::data_key_added(tenant, key.id, at)).await?;
    Ok(true)
}

async fn supersede(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    by: &WrappedDek,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE data_keys SET superseded_at = ?4
         WHERE tenant = ?1 AND purpose = ?2 AND id <> ?3 AND superseded_at IS NULL",
    )
    .bind(tenant.as_str())
    .bind(by.purpose.as_str())
    .bind(by.id.as_bytes().as_slice())
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn reserve(
    pool: &SqlitePool,
    tenant: &TenantId,
    id: DekId,
    seals: u64,
    up_to: u64,
) -> Result<Option<u64>, StoreError> {
    sqlx::query(
        "UPDATE data_keys SET sealed = sealed + ?3
         WHERE tenant = ?1 AND id = ?2 AND envelope IS NOT NULL AND sealed + ?3 <= ?4 RETURNING sealed",
    )
    .bind(tenant.as_str())
    .bind(id.as_bytes().as_slice())
    .bind(seals.cast_signed())
    .bind(up_to.cast_signed())
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(|row| row.number("sealed"))
    .transpose()
}

pub(super) async fn rewrap(
    pool: &SqlitePool,
    tenant: &TenantId,
    before: &WrappedDek,
    after: &WrappedDek,
) -> Result<bool, StoreError> {
    let wrapping_key = after.wrapping_key().ok_or(StoreError::Inconsistent("envelope"))?;
    let rewrapped = sqlx::query(
        "UPDATE data_keys SET envelope = ?4, wrapping_key = ?5 WHERE tenant = ?1 AND id = ?2 AND envelope = ?3",
    )
    .bind(tenant.as_str())
    .bind(before.id.as_bytes().as_slice())
    .bind(before.envelope.as_slice())
    .bind(after.envelope.as_slice())
    .bind(wrapping_key.as_str())
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(rewrapped.rows_affected() == 1)
}

/// One statement, so that nothing is sealed under the key between the check and the erasure.
pub(super) async fn retire(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: DekId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let statement = format!(
        "UPDATE data_keys SET envelope = NULL, wrapping_key = NULL, retired_at = ?3
         WHERE tenant = ?1 AND id = ?2 AND superseded_at IS NOT NULL AND retired_at IS NULL AND NOT ({})",
        sealed::anything_under("?1", "?2")
    );
    let retired = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(tenant.as_str())
        .bind(id.as_bytes().as_slice())
        .bind_time(at)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(retired.rows_affected() == 1)
}

fn from_row(row: &SqliteRow) -> Result<DataKey, StoreError> {
    Ok(DataKey {
        tenant: row.name("tenant", TenantId::new)?,
        number: row.number("number")?,
        id: dek_id(row)?,
        purpose: row.word("purpose", KeyPurpose::from_name)?,
        envelope: row.get_as("envelope")?,
        created_at: row.time("created_at")?,
        superseded_at: row.optional_time("superseded_at")?,
        retired_at: row.optional_time("retired_at")?,
        sealed: row.number("sealed")?,
    })
}

fn dek_id(row: &SqliteRow) -> Result<DekId, StoreError> {
    let bytes: Vec<u8> = row.get_as("id")?;
    DekId::from_bytes(&bytes).ok_or(StoreError::Inconsistent("data key id"))
}
