//! Wrapped data keys.

use broker_core::TenantId;
use broker_core::ports::StoreError;
use broker_crypto::{DekId, KeyPurpose, WrappedDek};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::columns::{name, word};
use crate::operation::failed;

pub(super) async fn newest_first(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Vec<WrappedDek>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, purpose, envelope AS "envelope!" FROM data_keys
           WHERE tenant = $1 AND envelope IS NOT NULL ORDER BY number DESC"#,
        tenant.as_str(),
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    rows.into_iter().map(|row| key(row.id, &row.purpose, row.envelope)).collect()
}

pub(super) async fn oldest(pool: &PgPool, limit: u32) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (tenant) tenant, id, purpose, envelope AS "envelope!" FROM data_keys
           WHERE envelope IS NOT NULL ORDER BY tenant, number LIMIT $1"#,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| Ok((name(row.tenant, TenantId::new, "tenant")?, key(row.id, &row.purpose, row.envelope)?)))
        .collect()
}

pub(super) async fn oldest_access(
    pool: &PgPool,
    limit: u32,
) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT tenant AS "tenant!", id AS "id!", envelope AS "envelope!" FROM oldest_access_keys($1)"#,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let access = KeyPurpose::Access.as_str();
    rows.into_iter()
        .map(|row| Ok((name(row.tenant, TenantId::new, "tenant")?, key(row.id, access, row.envelope)?)))
        .collect()
}

fn key(id: Uuid, purpose: &str, envelope: Vec<u8>) -> Result<WrappedDek, StoreError> {
    Ok(WrappedDek {
        id: DekId::from_bytes(id.as_bytes()).ok_or(StoreError::Inconsistent("data key id"))?,
        purpose: word(purpose, KeyPurpose::from_name, "purpose")?,
        envelope,
    })
}

/// The name of the key encryption key a data key is wrapped under.
pub(crate) fn wrapping_key(key: &WrappedDek) -> Result<String, StoreError> {
    let named = key.wrapping_key().ok_or(StoreError::Inconsistent("envelope"))?;
    Ok(named.as_str().to_owned())
}
