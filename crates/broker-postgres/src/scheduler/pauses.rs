//! Pauses of refreshing.

use broker_core::ports::{PauseTarget, RefreshPause, StoreError};
use broker_core::{AuditRecord, Principal, ProviderName, TenantId, Timestamp};
use sqlx::PgPool;

use crate::audit;
use crate::columns::{name, word};
use crate::operation::failed;
use crate::scope;

struct PauseRow {
    tenant: Option<String>,
    provider: Option<String>,
    expires_at: i64,
    principal: String,
    note: String,
    created_at: i64,
}

/// The columns `tenant` and `provider`, one of them NULL.
fn columns(target: &PauseTarget) -> (Option<&str>, Option<&str>) {
    match target {
        PauseTarget::Tenant(tenant) => (Some(tenant.as_str()), None),
        PauseTarget::Provider(provider) => (None, Some(provider.as_str())),
    }
}

pub(super) async fn begin(
    pool: &PgPool,
    pause: &RefreshPause,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    let (tenant, provider) = columns(&pause.target);
    let mut tx = scope::begin(pool, tenant.unwrap_or("*")).await?;
    sqlx::query!(
        "INSERT INTO refresh_pauses (tenant, provider, expires_at, principal, note, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, provider) DO UPDATE SET
             expires_at = excluded.expires_at, principal = excluded.principal, note = excluded.note,
             created_at = excluded.created_at",
        tenant,
        provider,
        pause.expires_at.as_unix_micros(),
        pause.principal.as_str(),
        pause.note,
        pause.created_at.as_unix_micros(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)
}

pub(super) async fn end(
    pool: &PgPool,
    target: &PauseTarget,
    now: Timestamp,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let (tenant, provider) = columns(target);
    let mut tx = scope::begin(pool, tenant.unwrap_or("*")).await?;
    let ended = sqlx::query_scalar!(
        "DELETE FROM refresh_pauses
         WHERE tenant IS NOT DISTINCT FROM $1 AND provider IS NOT DISTINCT FROM $2 RETURNING expires_at",
        tenant,
        provider,
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    let was_paused = ended.is_some_and(|expired_at| expired_at > now.as_unix_micros());
    if was_paused {
        audit::write(&mut tx, record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(was_paused)
}

pub(super) async fn read(pool: &PgPool, now: Timestamp) -> Result<Vec<RefreshPause>, StoreError> {
    let rows = sqlx::query_as!(
        PauseRow,
        "SELECT tenant, provider, expires_at, principal, note, created_at FROM refresh_pauses
         WHERE expires_at > $1 ORDER BY tenant NULLS LAST, provider",
        now.as_unix_micros(),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter().map(PauseRow::pause).collect()
}

pub(super) async fn prune(pool: &PgPool, now: Timestamp) -> Result<u64, StoreError> {
    let pruned = sqlx::query!("DELETE FROM refresh_pauses WHERE expires_at <= $1", now.as_unix_micros())
        .execute(pool)
        .await
        .map_err(failed)?;
    Ok(pruned.rows_affected())
}

impl PauseRow {
    fn pause(self) -> Result<RefreshPause, StoreError> {
        let target = match (self.tenant, self.provider) {
            (Some(tenant), None) => PauseTarget::Tenant(name(tenant, TenantId::new, "tenant")?),
            (None, Some(provider)) => PauseTarget::Provider(name(provider, ProviderName::new, "provider")?),
            _ => return Err(StoreError::Inconsistent("the target of a pause")),
        };
        Ok(RefreshPause {
            target,
            expires_at: Timestamp::from_unix_micros(self.expires_at),
            principal: word(&self.principal, Principal::new, "principal")?,
            note: self.note,
            created_at: Timestamp::from_unix_micros(self.created_at),
        })
    }
}
