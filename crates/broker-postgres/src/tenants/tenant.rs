//! Tenants.

use broker_core::ports::{ChangeOutcome, CreateOutcome, RequestMark, StoreError, TenantChange};
use broker_core::{AuditRecord, Tenant, TenantId, Timestamp};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::keys;
use crate::audit;
use crate::columns::{kept_version, name, version};
use crate::operation::failed;
use crate::process_role::ProcessRole;
use crate::requests;
use crate::scope;

struct TenantRow {
    id: String,
    display_name: String,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

pub(super) async fn create(
    pool: &PgPool,
    tenant: &Tenant,
    request: Option<&RequestMark>,
    record: &AuditRecord,
) -> Result<CreateOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &tenant.id).await?;
    if let Some(before) = requests::before(&mut tx, tenant.id.as_str(), request).await? {
        return Ok(before);
    }
    if !insert(&mut tx, tenant).await? {
        return Ok(CreateOutcome::Taken);
    }
    requests::keep(&mut tx, tenant.id.as_str(), request, tenant.id.as_str()).await?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(CreateOutcome::Created)
}

/// One statement keeps a tenant and its keys, or nothing. `false`: the id is taken.
async fn insert(connection: &mut PgConnection, tenant: &Tenant) -> Result<bool, StoreError> {
    let keys = || tenant.keys.iter().rev();
    let wrapping_keys = keys().map(keys::wrapping_key).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<Uuid> = keys().map(|key| Uuid::from_bytes(*key.id.as_bytes())).collect();
    let purposes: Vec<String> = keys().map(|key| key.purpose.as_str().to_owned()).collect();
    let envelopes: Vec<Vec<u8>> = keys().map(|key| key.envelope.clone()).collect();
    let inserted = sqlx::query_scalar!(
        r#"WITH made AS (
               INSERT INTO tenants (id, display_name, created_at, updated_at, version)
               VALUES ($1, $2, $3, $7, $8)
               ON CONFLICT (id) DO NOTHING RETURNING id
           ), keyed AS (
               INSERT INTO data_keys (tenant, number, id, purpose, envelope, wrapping_key, created_at)
               SELECT made.id, k.number, k.id, k.purpose, k.envelope, k.wrapping_key, $3
               FROM made CROSS JOIN unnest($4::uuid[], $5::text[], $6::bytea[], $9::text[])
                    WITH ORDINALITY AS k (id, purpose, envelope, wrapping_key, number)
           )
           SELECT count(*) AS "made!" FROM made"#,
        tenant.id.as_str(),
        tenant.display_name.as_str(),
        tenant.created_at.as_unix_micros(),
        &ids,
        &purposes,
        &envelopes,
        tenant.updated_at.as_unix_micros(),
        kept_version(tenant.version),
        &wrapping_keys,
    )
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(inserted == 1)
}

/// Two statements: a tenant and its first keys are committed together, and those that come or go between the two are as
/// good as of a moment later.
pub(super) async fn read(
    pool: &PgPool,
    id: &TenantId,
    role: ProcessRole,
) -> Result<Option<Tenant>, StoreError> {
    let mut tx = scope::of_tenant(pool, id).await?;
    let row = sqlx::query_as!(
        TenantRow,
        "SELECT id, display_name, created_at, updated_at, version FROM tenants WHERE id = $1",
        id.as_str(),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let keys = keys::newest_first(&mut tx, id, role).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Some(Tenant { keys, ..row.tenant()? }))
}

pub(super) async fn page(
    pool: &PgPool,
    after: Option<&TenantId>,
    limit: u32,
) -> Result<Vec<Tenant>, StoreError> {
    let mut tx = scope::of_all(pool).await?;
    let rows = sqlx::query_as!(
        TenantRow,
        "SELECT id, display_name, created_at, updated_at, version FROM tenants WHERE id > $1
         ORDER BY id LIMIT $2",
        after.map_or("", TenantId::as_str),
        i64::from(limit),
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    rows.into_iter().map(TenantRow::tenant).collect()
}

pub(super) async fn update(
    pool: &PgPool,
    change: &TenantChange,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &change.id).await?;
    let found =
        sqlx::query_scalar!("SELECT version FROM tenants WHERE id = $1 FOR UPDATE", change.id.as_str());
    let Some(found) = found.fetch_optional(&mut *tx).await.map_err(failed)? else {
        return Ok(ChangeOutcome::Absent);
    };
    let found = version(found, "version")?;
    if change.expected.is_some_and(|expected| expected != found) {
        return Ok(ChangeOutcome::Stale);
    }
    sqlx::query!(
        "UPDATE tenants SET display_name = $2, updated_at = $3, version = version + 1 WHERE id = $1",
        change.id.as_str(),
        change.display_name,
        change.at.as_unix_micros(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(ChangeOutcome::Changed)
}

impl TenantRow {
    /// Without its keys.
    fn tenant(self) -> Result<Tenant, StoreError> {
        Ok(Tenant {
            id: name(self.id, TenantId::new, "id")?,
            display_name: self.display_name,
            keys: Vec::new(),
            created_at: Timestamp::from_unix_micros(self.created_at),
            updated_at: Timestamp::from_unix_micros(self.updated_at),
            version: version(self.version, "version")?,
        })
    }
}
