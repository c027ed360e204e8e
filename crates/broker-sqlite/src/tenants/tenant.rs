//! Tenants.

use broker_core::ports::{ChangeOutcome, CreateOutcome, RequestMark, StoreError, TenantChange};
use broker_core::{AuditRecord, Tenant, TenantId};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::keys;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::requests;

pub(super) async fn create(
    connection: &mut SqliteConnection,
    tenant: &Tenant,
    request: Option<&RequestMark>,
    record: &AuditRecord,
) -> Result<CreateOutcome, StoreError> {
    if let Some(before) = requests::before(connection, tenant.id.as_str(), request).await? {
        return Ok(before);
    }
    if !insert(connection, tenant).await? {
        return Ok(CreateOutcome::Taken);
    }
    keys::insert(connection, tenant).await?;
    requests::keep(connection, tenant.id.as_str(), request, tenant.id.as_str()).await?;
    audit::write(connection, record).await?;
    Ok(CreateOutcome::Created)
}

async fn insert(connection: &mut SqliteConnection, tenant: &Tenant) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO tenants (id, display_name, created_at, updated_at, version) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(tenant.id.as_str())
    .bind(tenant.display_name.as_str())
    .bind_time(tenant.created_at)
    .bind_time(tenant.updated_at)
    .bind_version(tenant.version)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

/// Two statements, and no transaction: a tenant and its first keys are committed together, and those that come or go
/// between the two are as good as of a moment later.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    id: &TenantId,
) -> Result<Option<Tenant>, StoreError> {
    let row =
        sqlx::query("SELECT id, display_name, created_at, updated_at, version FROM tenants WHERE id = ?1")
            .bind(id.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Tenant { keys: keys::newest_first(connection, id).await?, ..from_row(&row)? }))
}

pub(super) async fn page(
    pool: &SqlitePool,
    after: Option<&TenantId>,
    limit: u32,
) -> Result<Vec<Tenant>, StoreError> {
    sqlx::query(
        "SELECT id, display_name, created_at, updated_at, version FROM tenants WHERE id > ?1
         ORDER BY id LIMIT ?2",
    )
    .bind(after.map_or("", TenantId::as_str))
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

pub(super) async fn update(
    connection: &mut SqliteConnection,
    change: &TenantChange,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    let row = sqlx::query("SELECT version FROM tenants WHERE id = ?1")
        .bind(change.id.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(ChangeOutcome::Absent) };
    let version = row.version("version")?;
    if change.expected.is_some_and(|expected| expected != version) {
        return Ok(ChangeOutcome::Stale);
    }
    sqlx::query("UPDATE tenants SET display_name = ?2, updated_at = ?3, version = version + 1 WHERE id = ?1")
        .bind(change.id.as_str())
        .bind(change.display_name.as_str())
        .bind_time(change.at)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    audit::write(connection, record).await?;
    Ok(ChangeOutcome::Changed)
}

/// Without its keys.
fn from_row(row: &SqliteRow) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row.name("id", TenantId::new)?,
        display_name: row.text("display_name")?,
        keys: Vec::new(),
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.version("version")?,
    })
}
