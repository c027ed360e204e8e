//! Transactions that name the tenant whose rows they see.
//!
//! The name ends with the transaction, so a pooled connection never hands it to its next user.

use broker_core::TenantId;
use broker_core::ports::StoreError;
use sqlx::{PgPool, Postgres, Transaction};

use crate::operation::failed;

/// A transaction that sees the rows of one tenant.
pub(crate) async fn of_tenant(
    pool: &PgPool,
    tenant: &TenantId,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    begin(pool, tenant.as_str()).await
}

/// A transaction that sees the rows of every tenant, if its role ever does. No tenant is called `*`.
pub(crate) async fn of_all(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    begin(pool, "*").await
}

/// A transaction that sees the rows which say that they are of `tenant`: a tenant's, or of all (`*`).
pub(crate) async fn begin(pool: &PgPool, tenant: &str) -> Result<Transaction<'static, Postgres>, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    sqlx::query_scalar!("SELECT set_config('token_broker.tenant', $1, true)", tenant)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
    Ok(tx)
}
