//! Wrapped data keys.

use broker_core::TenantId;
use broker_core::ports::StoreError;
use broker_crypto::{DekId, KeyPurpose, WrappedDek};
use sqlx::PgPool;
use uuid::Uuid;

use crate::columns::{name, word};
use crate::operation::failed;

pub(super) async fn newest_first(pool: &PgPool, tenant: &TenantId) -> Result<Vec<WrappedDek>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, purpose, envelope FROM data_keys WHERE tenant = $1 ORDER BY number DESC",
        tenant.as_str(),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter().map(|row| key(row.id, &row.purpose, row.envelope)).collect()
}

pub(super) async fn oldest(pool: &PgPool, limit: u32) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
    let rows = sqlx::query!(
        "SELECT tenant, id, purpose, envelope FROM data_keys WHERE number = 1 ORDER BY tenant LIMIT $1",
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| Ok((name(row.tenant, TenantId::new, "tenant")?, key(row.id, &row.purpose, row.envelope)?)))
        .collect()
}

fn key(id: Uuid, purpose: &str, envelope: Vec<u8>) -> Result<WrappedDek, StoreError> {
    Ok(WrappedDek {
        id: DekId::from_bytes(id.as_bytes()).ok_or(StoreError::Inconsistent("data key id"))?,
        purpose: word(purpose, KeyPurpose::from_name, "purpose")?,
        envelope,
    })
}
