//! Wrapped data keys.

use broker_core::TenantId;
use broker_core::ports::StoreError;
use broker_crypto::{DekId, KekId, KeyPurpose, WrappedDek};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::columns::{name, word};
use crate::operation::failed;
use crate::process_role::ProcessRole;

pub(super) async fn newest_first(
    connection: &mut PgConnection,
    tenant: &TenantId,
    role: ProcessRole,
) -> Result<Vec<WrappedDek>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, purpose, envelope AS "envelope!" FROM data_keys
           WHERE tenant = $1 AND envelope IS NOT NULL AND ($2 OR purpose = 'access') ORDER BY number DESC"#,
        tenant.as_str(),
        role.reads_rotation_keys(),
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    rows.into_iter().map(|row| key(row.id, &row.purpose, row.envelope)).collect()
}

pub(super) async fn oldest(
    pool: &PgPool,
    purpose: KeyPurpose,
    limit: u32,
) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (tenant) tenant, id, purpose, envelope AS "envelope!" FROM data_keys
           WHERE envelope IS NOT NULL AND purpose = $1 ORDER BY tenant, number LIMIT $2"#,
        purpose.as_str(),
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

/// Which of these key encryption keys wrap a data key of that purpose.
pub(super) async fn wrapping(
    pool: &PgPool,
    purpose: KeyPurpose,
    among: &[KekId],
) -> Result<Vec<KekId>, StoreError> {
    let among: Vec<String> = among.iter().map(|id| id.as_str().to_owned()).collect();
    let names = sqlx::query_scalar!(
        r#"SELECT DISTINCT wrapping_key AS "wrapping_key!" FROM wrapping_keys()
           WHERE purpose = $1 AND wrapping_key = ANY ($2)"#,
        purpose.as_str(),
        &among,
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    names.iter().map(|name| word(name, KekId::new, "wrapping_key")).collect()
}

/// The name of the key encryption key a data key is wrapped under.
pub(crate) fn wrapping_key(key: &WrappedDek) -> Result<String, StoreError> {
    let named = key.wrapping_key().ok_or(StoreError::Inconsistent("envelope"))?;
    Ok(named.as_str().to_owned())
}
