//! Tenants that are being deleted, or were.

use async_trait::async_trait;
use broker_core::ports::{Deletion, DeletionStore, DestroyKeys, StoreError, records};
use broker_core::{AuditRecord, TenantId, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Whether the tenant's keys may be destroyed: every grant is revoked upstream, and no answer can come to light any more.
/// One may while an attempt is open; or was closed without it, not before `?2`, and is still read, or its owner is neither
/// alive nor drained.
const SETTLED: &str = "SELECT NOT EXISTS (SELECT 1 FROM grants g WHERE g.tenant = ?1 AND g.lifecycle <> 'revoked')
     AND NOT EXISTS (SELECT 1 FROM grants g JOIN revocations v ON v.grant_id = g.id
                     WHERE g.tenant = ?1 AND v.ended_at IS NULL)
     AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.tenant = ?1 AND a.closed_at IS NULL)
     AND NOT EXISTS (SELECT 1 FROM attempts a LEFT JOIN replicas r ON r.incarnation = a.owner
                     WHERE a.tenant = ?1 AND a.closed_at >= ?2 AND a.sent_at >= ?2 AND a.adopted_generation IS NULL
                       AND (a.conclusion = 'reading_late'
                            OR (r.drained_at IS NULL AND coalesce(r.heartbeat_at, 0) < ?3))) AS settled";

#[async_trait]
impl DeletionStore for SqliteStore {
    async fn begin_deletion(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("begin_deletion", async {
            let mut tx = self.write().await?;
            let known = begin(&mut tx, tenant, at, record).await?;
            tx.commit().await.map_err(failed)?;
            Ok(known)
        })
        .await
    }

    async fn deletion(&self, tenant: &TenantId) -> Result<Option<Deletion>, StoreError> {
        self.operation("deletion", async { read(&mut *self.read().await?, tenant).await }).await
    }

    async fn deletions_between(
        &self,
        first: &TenantId,
        last: &TenantId,
    ) -> Result<Vec<(TenantId, Deletion)>, StoreError> {
        self.operation("deletions_between", async {
            read_between(&mut *self.read().await?, first, last).await
        })
        .await
    }

    async fn deletions(&self) -> Result<Vec<TenantId>, StoreError> {
        self.operation("deletions", async {
            let sql = "SELECT tenant FROM tenant_deletions WHERE destroyed_at IS NULL";
            let rows = sqlx::query(sql).fetch_all(&self.readers).await.map_err(failed)?;
            rows.iter().map(|row| row.name("tenant", TenantId::new)).collect()
        })
        .await
    }

    async fn destroyed_since(&self, since: Timestamp) -> Result<Vec<TenantId>, StoreError> {
        self.operation("destroyed_since", async {
            let sql = "SELECT tenant FROM tenant_deletions WHERE destroyed_at >= ?1";
            let rows = sqlx::query(sql).bind_time(since).fetch_all(&self.readers).await.map_err(failed)?;
            rows.iter().map(|row| row.name("tenant", TenantId::new)).collect()
        })
        .await
    }

    async fn destroy_keys(&self, ask: &DestroyKeys) -> Result<bool, StoreError> {
        self.operation("destroy_keys", async {
            let mut tx = self.write().await?;
            let destroyed = destroy(&mut tx, ask).await?;
            tx.commit().await.map_err(failed)?;
            Ok(destroyed)
        })
        .await
    }
}

/// Links that users hold are worth nothing from here on.
async fn begin(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let known = sqlx::query("SELECT 1 FROM tenants WHERE id = ?1").bind(tenant.as_str());
    if known.fetch_optional(&mut *connection).await.map_err(failed)?.is_none() {
        return Ok(false);
    }
    let mut at_the_tenant = async |sql: &'static str| {
        let statement = sqlx::query(sql).bind(tenant.as_str()).bind_time(at);
        statement.execute(&mut *connection).await.map_err(failed)
    };
    let begun = at_the_tenant(
        "INSERT INTO tenant_deletions (tenant, began_at) VALUES (?1, ?2) ON CONFLICT (tenant) DO NOTHING",
    )
    .await?;
    at_the_tenant(
        "UPDATE authorizations SET status = 'failed', failure = 'revoked', settled_at = ?2
         WHERE tenant = ?1 AND status = 'pending'",
    )
    .await?;
    at_the_tenant("DELETE FROM machine_credentials WHERE tenant = ?1 AND ?2 IS NOT NULL").await?;
    at_the_tenant("DELETE FROM webhooks WHERE tenant = ?1 AND ?2 IS NOT NULL").await?;
    if begun.rows_affected() == 1 {
        audit::write(connection, record).await?;
    }
    Ok(true)
}

async fn read(connection: &mut SqliteConnection, tenant: &TenantId) -> Result<Option<Deletion>, StoreError> {
    Ok(read_between(connection, tenant, tenant).await?.pop().map(|(_, deletion)| deletion))
}

async fn read_between(
    connection: &mut SqliteConnection,
    first: &TenantId,
    last: &TenantId,
) -> Result<Vec<(TenantId, Deletion)>, StoreError> {
    sqlx::query(
        "SELECT d.tenant, d.began_at, d.destroyed_at,
                (SELECT count(*) FROM grants g
                 WHERE g.tenant = d.tenant AND g.lifecycle <> 'revoked') AS grants_left
         FROM tenant_deletions d WHERE d.tenant BETWEEN ?1 AND ?2 ORDER BY d.tenant",
    )
    .bind(first.as_str())
    .bind(last.as_str())
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

fn from_row(row: &SqliteRow) -> Result<(TenantId, Deletion), StoreError> {
    let deletion = Deletion {
        began_at: row.time("began_at")?,
        destroyed_at: row.optional_time("destroyed_at")?,
        grants_left: row.number("grants_left")?,
    };
    Ok((row.name("tenant", TenantId::new)?, deletion))
}

async fn destroy(connection: &mut SqliteConnection, ask: &DestroyKeys) -> Result<bool, StoreError> {
    match read(connection, &ask.tenant).await? {
        None => return Ok(false),
        Some(Deletion { destroyed_at: Some(_), .. }) => return Ok(true),
        Some(_) => {}
    }
    let settled = sqlx::query(SETTLED)
        .bind(ask.tenant.as_str())
        .bind_time(ask.settled_since)
        .bind_time(ask.alive_since)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if !settled.flag("settled")? {
        return Ok(false);
    }
    for sql in [
        "DELETE FROM data_keys WHERE tenant = ?1",
        "DELETE FROM client_secrets WHERE tenant = ?1",
        "UPDATE authorizations SET verifier = x'' WHERE tenant = ?1",
        "DELETE FROM device_authorizations WHERE tenant = ?1",
        "DELETE FROM unread_answers WHERE attempt_id IN (SELECT id FROM attempts WHERE tenant = ?1)",
    ] {
        let statement = sqlx::query(sql).bind(ask.tenant.as_str());
        statement.execute(&mut *connection).await.map_err(failed)?;
    }
    sqlx::query("UPDATE tenant_deletions SET destroyed_at = ?2 WHERE tenant = ?1")
        .bind(ask.tenant.as_str())
        .bind_time(ask.at)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    audit::write(connection, &records::keys_destroyed(&ask.tenant, ask.at)).await?;
    Ok(true)
}
