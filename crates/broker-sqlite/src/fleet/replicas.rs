//! The runs of broker processes on this store.

use broker_core::ports::{Epoch, Joined, Replica, StoreError};
use broker_core::{IncarnationId, Timestamp};
use sqlx::{SqliteConnection, SqliteExecutor, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::history::History;
use crate::operation::failed;

/// Idempotent: a replica that is there keeps its place in the order of joining. Its journal counts as replayed when the
/// run before on the same one was, at once where there was none, and not before it was if the replica joins again.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    replica: &Replica,
    history: &History,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO replicas (incarnation, escrow, started_at, heartbeat_at, last_beat, replayed_epoch)
         SELECT ?1, ?2, ?3, ?3, ?5, iif(?6, -1, coalesce(
             (SELECT replayed_epoch FROM replicas WHERE escrow = ?2 ORDER BY number DESC LIMIT 1), ?4))
         WHERE TRUE ON CONFLICT (incarnation) DO NOTHING",
    )
    .bind(replica.incarnation.as_bytes().as_slice())
    .bind(replica.escrow.as_bytes().as_slice())
    .bind_time(replica.started_at)
    .bind(history.epoch.0.cast_signed())
    .bind(history.beats.cast_signed())
    .bind(replica.rejoins)
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
    rotated_since: Timestamp,
) -> Result<Joined, StoreError> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM replicas WHERE escrow = ?2 AND incarnation <> ?1 AND NOT unvouched)
                AS escrow_known,
                EXISTS (SELECT 1 FROM attempts a JOIN replicas r ON r.incarnation = a.owner
                        WHERE a.closed_at IS NULL AND a.kind = 'refresh' AND a.sent_at >= ?3
                          AND r.drained_at IS NULL AND a.owner <> ?1)
                OR EXISTS (SELECT 1 FROM attempts a JOIN replicas r ON r.incarnation = a.owner
                           WHERE a.closed_at >= ?3 AND a.kind = 'refresh' AND a.sent_at >= ?3
                             AND r.drained_at IS NULL AND a.owner <> ?1) AS undrained_rotations",
    )
    .bind(replica.incarnation.as_bytes().as_slice())
    .bind(replica.escrow.as_bytes().as_slice())
    .bind_time(rotated_since)
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(Joined {
        installation: history.installation,
        epoch: history.epoch,
        beat: history.beats,
        escrow_known: row.flag("escrow_known")?,
        undrained_rotations: row.flag("undrained_rotations")?,
    })
}

/// Keeps whether anybody vouches for the replica, so that neither it nor another one takes it for a witness later.
pub(super) async fn set_unvouched(
    executor: impl SqliteExecutor<'_>,
    incarnation: IncarnationId,
    unvouched: bool,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE replicas SET unvouched = ?2 WHERE incarnation = ?1")
        .bind(incarnation.as_bytes().as_slice())
        .bind(unvouched)
        .execute(executor)
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
    beat: u64,
) -> Result<bool, StoreError> {
    let beaten = sqlx::query(
        "UPDATE replicas SET heartbeat_at = ?2, last_beat = ?3, drained_at = NULL WHERE incarnation = ?1",
    )
    .bind(incarnation.as_bytes().as_slice())
    .bind_time(at)
    .bind(beat.cast_signed())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(beaten.rows_affected() == 1)
}

/// What a heartbeat counts, named as in [`broker_core::ports::Pulse`].
pub(super) struct Counted {
    pub(super) alive: u32,
    pub(super) others_beat: u64,
    pub(super) replays_pending: u32,
}

/// How many are alive, who was heard last, and how many journals may hold what this epoch lacks. A drained one does not:
/// what it held was committed before the mark, and commits are lost from the end.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    incarnation: IncarnationId,
    epoch: Epoch,
    alive_since: Timestamp,
    recent: Timestamp,
) -> Result<Counted, StoreError> {
    let row = sqlx::query(
        "SELECT count(*) FILTER (WHERE drained_at IS NULL AND heartbeat_at >= ?1) AS alive,
                coalesce(max(last_beat) FILTER (WHERE incarnation <> ?4 AND NOT unvouched), 0) AS others_beat,
                count(DISTINCT escrow) FILTER (
                    WHERE drained_at IS NULL AND heartbeat_at >= ?2 AND replayed_epoch <> ?3) AS replays_pending
         FROM replicas",
    )
    .bind_time(alive_since)
    .bind_time(recent)
    .bind(epoch.0.cast_signed())
    .bind(incarnation.as_bytes().as_slice())
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(Counted {
        alive: row.number("alive")?,
        others_beat: row.number("others_beat")?,
        replays_pending: row.number("replays_pending")?,
    })
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
    connection: &mut SqliteConnection,
    incarnation: IncarnationId,
    at: Timestamp,
    beat: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE replicas SET drained_at = ?2, last_beat = ?3 WHERE incarnation = ?1 AND drained_at IS NULL",
    )
    .bind(incarnation.as_bytes().as_slice())
    .bind_time(at)
    .bind(beat.cast_signed())
    .execute(connection)
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
