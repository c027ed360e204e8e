//! Data keys, wrapped.

use broker_core::ports::{ChangedKey, DataKey, DataKeyQuery, StoreError, records};
use broker_core::{AuditRecord, KeyRotationId, TenantId, Timestamp};
use broker_crypto::{DekId, KeyPurpose, WrappedDek};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::audit;
use crate::columns::{name, number, time, uuid, word};
use crate::operation::failed;
use crate::process_role::ProcessRole;
use crate::sealed;
use crate::tenants::keys::wrapping_key;

struct Row {
    tenant: String,
    number: i64,
    id: Uuid,
    purpose: String,
    envelope: Option<Vec<u8>>,
    created_at: i64,
    superseded_at: Option<i64>,
    retired_at: Option<i64>,
    sealed: i64,
}

impl Row {
    fn data_key(self) -> Result<DataKey, StoreError> {
        Ok(DataKey {
            tenant: name(self.tenant, TenantId::new, "tenant")?,
            number: number(self.number, "number")?,
            id: dek_id(self.id)?,
            purpose: word(&self.purpose, KeyPurpose::from_name, "purpose")?,
            envelope: self.envelope,
            created_at: Timestamp::from_unix_micros(self.created_at),
            superseded_at: time(self.superseded_at),
            retired_at: time(self.retired_at),
            sealed: number(self.sealed, "sealed")?,
        })
    }
}

pub(super) async fn changed(
    pool: &PgPool,
    since: Timestamp,
    role: ProcessRole,
) -> Result<Vec<ChangedKey>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT tenant AS "tenant!", id AS "id!", retired AS "retired!" FROM changed_data_keys($1)
           WHERE $2 OR purpose = 'access'"#,
        since.as_unix_micros(),
        role.reads_rotation_keys(),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let changed = rows.into_iter().map(|row| {
        Ok(ChangedKey {
            tenant: name(row.tenant, TenantId::new, "tenant")?,
            id: dek_id(row.id)?,
            retired: row.retired,
        })
    });
    changed.collect()
}

pub(super) async fn page(pool: &PgPool, query: &DataKeyQuery) -> Result<Vec<DataKey>, StoreError> {
    let after = query.after.as_ref();
    let rows = sqlx::query_as!(
        Row,
        "SELECT tenant, number, id, purpose, envelope, created_at, superseded_at, retired_at, sealed
         FROM data_keys
         WHERE ($1::text IS NULL OR tenant = $1) AND (tenant, number) > ($2::text, $3::bigint)
         ORDER BY tenant, number LIMIT $4",
        query.tenant.as_ref().map(TenantId::as_str),
        after.map_or("", |(tenant, _)| tenant.as_str()),
        after.map_or(0, |(_, number)| number.cast_signed()),
        i64::from(query.limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter().map(Row::data_key).collect()
}

pub(super) async fn read(pool: &PgPool, id: DekId) -> Result<Option<DataKey>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT tenant, number, id, purpose, envelope, created_at, superseded_at, retired_at, sealed
         FROM data_keys
         WHERE id = $1",
        uuid(id.as_bytes()),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    row.map(Row::data_key).transpose()
}

pub(super) async fn tenant_after(
    pool: &PgPool,
    tenant: Option<&TenantId>,
) -> Result<Option<TenantId>, StoreError> {
    let next = sqlx::query_scalar!(
        "SELECT id FROM tenants WHERE id > $1 ORDER BY id LIMIT 1",
        tenant.map_or("", TenantId::as_str),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    next.map(|id| name(id, TenantId::new, "id")).transpose()
}

/// The tenant's row is locked first: two at once do not take the same number, and what destroys the keys of a tenant
/// (`destroy_keys`) is over before, or finds the new one.
pub(super) async fn add(
    pool: &PgPool,
    tenant: &TenantId,
    key: &WrappedDek,
    rotation: KeyRotationId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    sqlx::query!("SELECT 1 AS one FROM tenants WHERE id = $1 FOR NO KEY UPDATE", tenant.as_str())
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
    let added = insert(&mut tx, tenant, key, rotation, at).await?;
    if added {
        audit::write(&mut tx, &records::data_key_added(tenant, key.id, at)).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(added)
}

async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    key: &WrappedDek,
    rotation: KeyRotationId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let added = sqlx::query_scalar!(
        r#"WITH added AS (
               INSERT INTO data_keys (tenant, number, id, purpose, envelope, wrapping_key, rotation, created_at)
               SELECT $1, (SELECT coalesce(max(number), 0) + 1 FROM data_keys WHERE tenant = $1), $2, $3, $4, $5, $6, $7
               WHERE NOT EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = $1)
               ON CONFLICT (tenant, purpose, rotation) DO NOTHING RETURNING id
           ), superseded AS (
               UPDATE data_keys SET superseded_at = $7 FROM added
               WHERE tenant = $1 AND purpose = $3 AND data_keys.id <> added.id AND superseded_at IS NULL
           )
           SELECT count(*) AS "added!" FROM added"#,
        tenant.as_str(),
        uuid(key.id.as_bytes()),
        key.purpose.as_str(),
        key.envelope.as_slice(),
        wrapping_key(key)?,
        uuid(rotation.as_bytes()),
        at.as_unix_micros(),
    )
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(added == 1)
}

/// One statement: of replicas at once each counts up what the one before has left.
pub(super) async fn reserve(
    pool: &PgPool,
    tenant: &TenantId,
    id: DekId,
    seals: u64,
    up_to: u64,
) -> Result<Option<u64>, StoreError> {
    let counted = sqlx::query_scalar!(
        "UPDATE data_keys SET sealed = sealed + $3
         WHERE tenant = $1 AND id = $2 AND envelope IS NOT NULL AND sealed + $3 <= $4 RETURNING sealed",
        tenant.as_str(),
        uuid(id.as_bytes()),
        seals.cast_signed(),
        up_to.cast_signed(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    counted.map(|sealed| number(sealed, "sealed")).transpose()
}

pub(super) async fn rewrap(
    pool: &PgPool,
    tenant: &TenantId,
    before: &WrappedDek,
    after: &WrappedDek,
) -> Result<bool, StoreError> {
    let rewrapped = sqlx::query!(
        "UPDATE data_keys SET envelope = $4, wrapping_key = $5 WHERE tenant = $1 AND id = $2 AND envelope = $3",
        tenant.as_str(),
        uuid(before.id.as_bytes()),
        before.envelope.as_slice(),
        after.envelope.as_slice(),
        wrapping_key(after)?,
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(rewrapped.rows_affected() == 1)
}

/// Check and erasure are one statement, so that they see the same rows. What is sealed is not locked: that nobody seals under a
/// key a day after it was superseded is the caller's to know.
pub(super) async fn retire(
    pool: &PgPool,
    tenant: &TenantId,
    id: DekId,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let statement = format!(
        "UPDATE data_keys SET envelope = NULL, wrapping_key = NULL, retired_at = $3
         WHERE tenant = $1 AND id = $2 AND superseded_at IS NOT NULL AND retired_at IS NULL AND NOT ({})",
        sealed::anything_under("$1", "uuid_send($2)")
    );
    let retired = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(tenant.as_str())
        .bind(uuid(id.as_bytes()))
        .bind(at.as_unix_micros())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    let retired = retired.rows_affected() == 1;
    if retired {
        audit::write(&mut tx, record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(retired)
}

fn dek_id(id: Uuid) -> Result<DekId, StoreError> {
    DekId::from_bytes(id.as_bytes()).ok_or(StoreError::Inconsistent("data key id"))
}
