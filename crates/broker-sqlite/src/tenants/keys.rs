//! Wrapped data keys.

use broker_core::ports::StoreError;
use broker_core::{Tenant, TenantId};
use broker_crypto::{DekId, KeyPurpose, WrappedDek};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(super) async fn insert(connection: &mut SqliteConnection, tenant: &Tenant) -> Result<(), StoreError> {
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

pub(super) async fn newest_first(
    connection: &mut SqliteConnection,
    id: &TenantId,
) -> Result<Vec<WrappedDek>, StoreError> {
    sqlx::query(
        "SELECT id, purpose, envelope FROM data_keys
         WHERE tenant = ?1 AND retired_at IS NULL ORDER BY number DESC",
    )
    .bind(id.as_str())
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

pub(super) async fn oldest(
    pool: &SqlitePool,
    purpose: KeyPurpose,
    limit: u32,
) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
    sqlx::query(
        "SELECT tenant, id, purpose, envelope FROM data_keys k
         WHERE number = (SELECT min(number) FROM data_keys o
                         WHERE o.tenant = k.tenant AND o.purpose = ?1 AND o.retired_at IS NULL)
         ORDER BY tenant LIMIT ?2",
    )
    .bind(purpose.as_str())
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(|row| Ok((row.name("tenant", TenantId::new)?, from_row(row)?)))
    .collect()
}

fn from_row(row: &SqliteRow) -> Result<WrappedDek, StoreError> {
    let id: Vec<u8> = row.get_as("id")?;
    Ok(WrappedDek {
        id: DekId::from_bytes(&id).ok_or(StoreError::Inconsistent("data key id"))?,
        purpose: row.word("purpose", KeyPurpose::from_name)?,
        envelope: row.get_as("envelope")?,
    })
}
