//! Pauses of refreshing.

use broker_core::ports::{PauseTarget, RefreshPause, StoreError};
use broker_core::{Principal, ProviderName, TenantId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// The columns `tenant` and `provider`, one of them NULL.
fn columns(target: &PauseTarget) -> (Option<&str>, Option<&str>) {
    match target {
        PauseTarget::Tenant(tenant) => (Some(tenant.as_str()), None),
        PauseTarget::Provider(provider) => (None, Some(provider.as_str())),
    }
}

/// Answers when the pause was to end, if there was one.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    target: &PauseTarget,
) -> Result<Option<Timestamp>, StoreError> {
    let (tenant, provider) = columns(target);
    sqlx::query("DELETE FROM refresh_pauses WHERE tenant IS ?1 AND provider IS ?2 RETURNING expires_at")
        .bind(tenant)
        .bind(provider)
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|row| row.time("expires_at"))
        .transpose()
}

pub(super) async fn begin(connection: &mut SqliteConnection, pause: &RefreshPause) -> Result<(), StoreError> {
    let (tenant, provider) = columns(&pause.target);
    sqlx::query(
        "INSERT INTO refresh_pauses (tenant, provider, expires_at, principal, note, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(tenant)
    .bind(provider)
    .bind_time(pause.expires_at)
    .bind(pause.principal.as_str())
    .bind(pause.note.as_str())
    .bind_time(pause.created_at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn read(pool: &SqlitePool, now: Timestamp) -> Result<Vec<RefreshPause>, StoreError> {
    sqlx::query(
        "SELECT tenant, provider, expires_at, principal, note, created_at FROM refresh_pauses
         WHERE expires_at > ?1 ORDER BY tenant IS NULL, tenant, provider",
    )
    .bind_time(now)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

pub(super) async fn prune(pool: &SqlitePool, now: Timestamp) -> Result<u64, StoreError> {
    let pruned = sqlx::query("DELETE FROM refresh_pauses WHERE expires_at <= ?1")
        .bind_time(now)
        .execute(pool)
        .await
        .map_err(failed)?;
    Ok(pruned.rows_affected())
}

fn from_row(row: &SqliteRow) -> Result<RefreshPause, StoreError> {
    let target = match row.optional_text("tenant")? {
        Some(_) => PauseTarget::Tenant(row.name("tenant", TenantId::new)?),
        None => PauseTarget::Provider(row.name("provider", ProviderName::new)?),
    };
    Ok(RefreshPause {
        target,
        expires_at: row.time("expires_at")?,
        principal: row.word("principal", Principal::new)?,
        note: row.text("note")?,
        created_at: row.time("created_at")?,
    })
}
