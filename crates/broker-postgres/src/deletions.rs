//! Tenants that are being deleted, or were.

use async_trait::async_trait;
use broker_core::ports::{Deletion, DeletionStore, DestroyKeys, StoreError};
use broker_core::{AuditRecord, TenantId, Timestamp};
use sqlx::{PgPool, Postgres, Transaction};

use crate::PostgresStore;
use crate::audit;
use crate::columns::{name, number, time};
use crate::machine_credentials;
use crate::operation::failed;
use crate::scope;
use crate::webhooks;

#[async_trait]
impl DeletionStore for PostgresStore {
    async fn begin_deletion(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("begin_deletion", begin(&self.pools.admin, tenant, at, record)).await
    }

    async fn deletion(&self, tenant: &TenantId) -> Result<Option<Deletion>, StoreError> {
        self.operation("deletion", read(&self.pools.admin, tenant)).await
    }

    async fn deletions_between(
        &self,
        first: &TenantId,
        last: &TenantId,
    ) -> Result<Vec<(TenantId, Deletion)>, StoreError> {
        self.operation("deletions_between", async {
            let tx = scope::of_all(&self.pools.admin).await?;
            read_between(tx, first, last).await
        })
        .await
    }

    async fn deletions(&self) -> Result<Vec<TenantId>, StoreError> {
        self.operation("deletions", under_way(&self.pools.rotation)).await
    }

    async fn destroyed_since(&self, since: Timestamp) -> Result<Vec<TenantId>, StoreError> {
        self.operation("destroyed_since", destroyed_since(&self.pools.vending, since)).await
    }

    async fn destroy_keys(&self, ask: &DestroyKeys) -> Result<bool, StoreError> {
        self.operation("destroy_keys", destroy(&self.pools.rotation, ask)).await
    }
}

async fn begin(
    pool: &PgPool,
    tenant: &TenantId,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let mut tx = scope::of_tenant(pool, tenant).await?;
    let begins = sqlx::query_scalar!(
        r#"SELECT begin_deletion($1, $2) AS begins"#,
        tenant.as_str(),
        at.as_unix_micros(),
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    if begins == Some(true) {
        machine_credentials::erase_all(&mut tx, tenant).await?;
        webhooks::erase_all(&mut tx, tenant).await?;
        audit::write(&mut tx, record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(begins.is_some())
}

async fn read(pool: &PgPool, tenant: &TenantId) -> Result<Option<Deletion>, StoreError> {
    let tx = scope::of_tenant(pool, tenant).await?;
    Ok(read_between(tx, tenant, tenant).await?.pop().map(|(_, deletion)| deletion))
}

async fn read_between(
    mut tx: Transaction<'static, Postgres>,
    first: &TenantId,
    last: &TenantId,
) -> Result<Vec<(TenantId, Deletion)>, StoreError> {
    let rows = sqlx::query_as!(
        DeletionRow,
        r#"SELECT d.tenant, d.began_at, d.destroyed_at,
                  (SELECT count(*) FROM grant_rotation r
                   WHERE r.tenant = d.tenant AND r.lifecycle <> 'revoked') AS "grants_left!"
           FROM tenant_deletions d WHERE d.tenant BETWEEN $1 AND $2 ORDER BY d.tenant"#,
        first.as_str(),
        last.as_str(),
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    rows.into_iter().map(DeletionRow::deletion).collect()
}

struct DeletionRow {
    tenant: String,
    began_at: i64,
    destroyed_at: Option<i64>,
    grants_left: i64,
}

impl DeletionRow {
    fn deletion(self) -> Result<(TenantId, Deletion), StoreError> {
        let deletion = Deletion {
            began_at: Timestamp::from_unix_micros(self.began_at),
            destroyed_at: time(self.destroyed_at),
            grants_left: number(self.grants_left, "grants_left")?,
        };
        Ok((name(self.tenant, TenantId::new, "tenant")?, deletion))
    }
}

async fn under_way(pool: &PgPool) -> Result<Vec<TenantId>, StoreError> {
    let tenants = sqlx::query_scalar!("SELECT tenant FROM tenant_deletions WHERE destroyed_at IS NULL")
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    tenants.into_iter().map(|tenant| name(tenant, TenantId::new, "tenant")).collect()
}

async fn destroyed_since(pool: &PgPool, since: Timestamp) -> Result<Vec<TenantId>, StoreError> {
    let tenants = sqlx::query_scalar!(
        r#"SELECT tenant AS "tenant!" FROM destroyed_since($1) tenant"#,
        since.as_unix_micros()
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    tenants.into_iter().map(|tenant| name(tenant, TenantId::new, "tenant")).collect()
}

async fn destroy(pool: &PgPool, ask: &DestroyKeys) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT destroy_keys($1, $2, $3, $4) AS "destroyed!""#,
        ask.tenant.as_str(),
        ask.at.as_unix_micros(),
        ask.settled_since.as_unix_micros(),
        ask.alive_since.as_unix_micros(),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)
}
