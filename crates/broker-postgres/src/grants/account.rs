//! Whose account at the provider a grant is of.

use broker_core::ports::{MOST_SHARERS, StoreError};
use broker_core::{AccountDigest, AuditRecord, GrantKey, LineageId};
use sqlx::PgPool;

use crate::audit;
use crate::columns::{number, uuid};
use crate::operation::failed;

/// Notes an account that was learnt after the lineage began. Locks the grant as every step that changes one does.
pub(crate) async fn note(
    pool: &PgPool,
    key: &GrantKey,
    lineage: LineageId,
    account: AccountDigest,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let noted = sqlx::query!(
        "WITH locked AS (
             SELECT grant_id FROM grant_rotation
             WHERE grant_id = $1 AND tenant = $2 AND lineage = $3 AND lifecycle NOT IN ('revoking', 'revoked')
             FOR UPDATE
         )
         UPDATE grants g SET upstream_account = $4 FROM locked
         WHERE g.id = locked.grant_id AND g.upstream_account IS NULL",
        uuid(key.grant_id().as_bytes()),
        key.tenant.as_str(),
        uuid(lineage.as_bytes()),
        account.0.as_slice(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?
    .rows_affected()
        == 1;
    if noted {
        audit::write(&mut tx, record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(noted)
}

/// How many grants of other users of the tenant are of the same account, counted up to [`MOST_SHARERS`].
pub(crate) async fn sharers(pool: &PgPool, key: &GrantKey) -> Result<u32, StoreError> {
    let sharers = sqlx::query_scalar!(
        r#"SELECT account_sharers_up_to($1, $2, $3) AS "sharers!""#,
        i64::from(MOST_SHARERS),
        key.tenant.as_str(),
        uuid(key.grant_id().as_bytes()),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    number(sharers, "sharers")
}
