//! The runs of broker processes on this store.

use broker_core::ports::{Epoch, StoreError};
use broker_core::{AuditRecord, IncarnationId, InstallationId, Timestamp};
use sqlx::PgPool;

use crate::audit;
use crate::columns::uuid;
use crate::operation::failed;

pub(super) async fn note_vouched(pool: &PgPool, incarnation: IncarnationId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE replicas SET unvouched = false WHERE incarnation = $1",
        uuid(incarnation.as_bytes()),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Earlier runs by the order of joining: a late word of an old run never drains the one that runs now.
pub(super) async fn note_replayed(
    pool: &PgPool,
    incarnation: IncarnationId,
    epoch: Epoch,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH mine AS (
             UPDATE replicas SET replayed_epoch = $2 WHERE incarnation = $1 RETURNING number, escrow_id
         )
         UPDATE replicas r SET drained_at = $3 FROM mine
         WHERE r.escrow_id = mine.escrow_id AND r.number < mine.number AND r.drained_at IS NULL",
        uuid(incarnation.as_bytes()),
        epoch.0.cast_signed(),
        at.as_unix_micros(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Nobody waits for journals that are not drained any more.
pub(super) async fn adopt_installation(
    pool: &PgPool,
    new: InstallationId,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    sqlx::query!(
        "WITH renamed AS (UPDATE installation SET id = $1)
         UPDATE replicas SET drained_at = coalesce(drained_at, $2), unvouched = false",
        uuid(new.as_bytes()),
        at.as_unix_micros(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)
}

pub(super) async fn forget(pool: &PgPool, before: Timestamp) -> Result<u64, StoreError> {
    let forgotten = sqlx::query!(
        "DELETE FROM replicas r WHERE r.drained_at < $1
           AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.owner = r.incarnation AND a.closed_at IS NULL)",
        before.as_unix_micros(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(forgotten.rows_affected())
}
