//! The runs of broker processes on this store.

use broker_core::ports::{Epoch, Joined, Replica, StoreError};
use broker_core::{IncarnationId, Timestamp};
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::history::History;
use crate::operation::failed;

/// Idempotent: a replica that joins again keeps its place in the order of joining. Its journal counts as replayed when
/// the run before on the same one was, and at once where there was none.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    replica: &Replica,
    epoch: Epoch,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO replicas (incarnation, escrow, started_at, heartbeat_at, replayed_epoch)
         SELECT ?1, ?2, ?3, ?3, coalesce(
             (SELECT replayed_epoch FROM replicas WHERE escrow = ?2 ORDER BY number DESC LIMIT 1), ?4)
         WHERE TRUE ON CONFLICT (incarnation) DO NOTHING",
    )
    .bind(replica.incarnation.as_bytes().as_slice())
    .bind(replica.escrow.as_bytes().as_slice())
    .bind_time(replica.started_at)
    .bind(epoch.0.cast_signed())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// What stands in the store beside the replica. An attempt that was sent is closed no earlier than that, so the indexes
/// of open and of closed attempts find it; whose owner has no row was drained and forgotten.
pub(super) async fn joined(
    connection: &mut SqliteConnection,
    replica: &Replica,
    history: &History,
    alive_since: Timestamp,
    rotated_since: Timestamp,
) -> Result<Joined, StoreError> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM replicas WHERE escrow = ?2 AND incarnation <> ?1 AND NOT paused)
                AS escrow_known,
                (SELECT count(*) FROM replicas
                 WHERE incarnation <> ?1 AND drained_at IS NULL AND heartbeat_at >= ?3 AND NOT paused)
                AS others_alive,
                EXISTS (SELECT 1 FROM attempts a JOIN replicas r ON r.incarnation = a.owner
                        WHERE a.closed_at IS NULL AND a.kind = 'refresh' AND a.sent_at >= ?4
                          AND r.drained_at IS NULL AND a.owner <> ?1)
                OR EXISTS (SELECT 1 FROM attempts a JOIN replicas r ON r.incarnation = a.owner
                           WHERE a.closed_at >= ?4 AND a.kind = 'refresh' AND a.sent_at >= ?4
                             AND r.drained_at IS NULL AND a.owner <> ?1) AS undrained_rotations",
    )
    .bind(replica.incarnation.as_bytes().as_slice())
    .bind(replica.escrow.as_bytes().as_slice())
    .bind_time(alive_since)
    .bind_time(rotated_since)
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(Joined {
        installation: history.installation,
        epoch: history.epoch,
        escrow_known: row.flag("escrow_known")?,
        others_alive: row.number("others_alive")?,
        undrained_rotations: row.flag("undrained_rotations")?,
    })
}

/// Keeps that the replica does not claim, so that neither it nor another one takes it for a witness later.
pub(super) async fn pause(
    connection: &mut SqliteConnection,
    incarnation: IncarnationId,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE replicas SET paused = TRUE WHERE incarnation = ?1")
        .bind(incarnation.as_bytes().as_slice())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// `false`: the replica has no row. A replica that lives may write to its journal: it counts as drained no more, as it
/// does when the store was declared the only copy meanwhile.
pub(super) async fn beat(
    connection: &mut SqliteConnection,
    incarnation: IncarnationId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let beaten =
        sqlx::query("UPDATE replicas SET heartbeat_at = ?2, drained_at = NULL WHERE incarnation = ?1")
            .bind(incarnation.as_bytes().as_slice())
            .bind_time(at)
            .execute(connection)
            .await
            .map_err(failed)?;
    Ok(beaten.rows_affected() == 1)
}

/// How many are alive, and how many journals may hold what this epoch lacks. A drained one does not: what it held was
/// committed before the mark, and commits are lost from the end.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    epoch: Epoch,
    alive_since: Timestamp,
    recent: Timestamp,
) -> Result<(u32, u32), StoreError> {
    let row = sqlx::query(
        "SELECT count(*) FILTER (WHERE heartbeat_at >= ?1) AS alive,
                count(DISTINCT escrow) FILTER (WHERE heartbeat_at >= ?2 AND replayed_epoch <> ?3) AS replays_pending
         FROM replicas WHERE drained_at IS NULL",
    )
    .bind_time(alive_since)
    .bind_time(recent)
    .bind(epoch.0.cast_signed())
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok((row.number("alive")?, row.number("replays_pending")?))
}

pub(super) async fn note_replayed(
    connection: &mut SqliteConnection,
    incarnation: IncarnationId,
    epoch: Epoch,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE replicas SET replayed_epoch = ?2 WHERE incarnation = ?1")
        .bind(incarnation.as_bytes().as_slice())
        .bind(epoch.0.cast_signed())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Earlier runs by the order of joining: a late word of an old run never drains the one that runs now.
pub(super) async fn drain_earlier_runs(
    connection: &mut SqliteConnection,
    incarnation: IncarnationId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE replicas SET drained_at = ?2
         FROM replicas mine
         WHERE mine.incarnation = ?1 AND replicas.escrow = mine.escrow AND replicas.number < mine.number
           AND replicas.drained_at IS NULL",
    )
    .bind(incarnation.as_bytes().as_slice())
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn leave(
    pool: &SqlitePool,
    incarnation: IncarnationId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE replicas SET drained_at = ?2 WHERE incarnation = ?1 AND drained_at IS NULL")
        .bind(incarnation.as_bytes().as_slice())
        .bind_time(at)
        .execute(pool)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn forget(pool: &SqlitePool, before: Timestamp) -> Result<u64, StoreError> {
    let forgotten = sqlx::query(
        "DELETE FROM replicas WHERE drained_at < ?1
           AND NOT EXISTS (SELECT 1 FROM attempts WHERE owner = incarnation AND closed_at IS NULL)",
    )
    .bind_time(before)
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(forgotten.rows_affected())
}
