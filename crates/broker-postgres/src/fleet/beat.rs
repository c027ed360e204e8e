//! Heartbeats: evidence that a replica lives, and that the store is the one it was.
//!
//! The store counts heartbeats. A replica that has seen a higher count than the store shows is on a store that was put
//! back, by a restore or a fail-over that lost commits: then the store begins another epoch, and until then grants no
//! claim of that replica. A promoted standby has another timeline, which is part of every epoch, so there not even the
//! first claim is granted. `migrations/postgres/0004_fleet.sql` says how an epoch is made up.

use std::sync::atomic::{AtomicI64, Ordering};

use broker_core::ports::{Epoch, Joined, Pulse, Replica, StoreError};
use broker_core::{IncarnationId, InstallationId, Timestamp};
use sqlx::PgPool;

use crate::columns::{number, uuid};
use crate::operation::failed;

/// The highest numbers this replica has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    beats: AtomicI64,
    regressions: AtomicI64,
}

impl Seen {
    pub(crate) fn beats(&self) -> i64 {
        self.beats.load(Ordering::Acquire)
    }

    fn regressions(&self) -> i64 {
        self.regressions.load(Ordering::Acquire)
    }

    fn raise(&self, beats: i64, regressions: i64) {
        self.regressions.fetch_max(regressions, Ordering::AcqRel);
        self.beats.fetch_max(beats, Ordering::AcqRel);
    }
}

pub(super) async fn join(
    pool: &PgPool,
    seen: &Seen,
    replica: &Replica,
    rotated_since: Timestamp,
) -> Result<Joined, StoreError> {
    let row = sqlx::query!(
        r#"SELECT b.installation_id AS "installation!", b.epoch AS "epoch!", b.beats_now AS "beats!",
                  b.regressions_now AS "regressions!", j.escrow_known AS "escrow_known!",
                  j.undrained_rotations AS "undrained_rotations!"
           FROM beat($1, $2) b CROSS JOIN LATERAL join_fleet($3, $4, $5, $6, $7, b.beats_now, b.epoch) j"#,
        seen.beats(),
        seen.regressions(),
        uuid(replica.incarnation.as_bytes()),
        uuid(replica.escrow.as_bytes()),
        replica.started_at.as_unix_micros(),
        replica.rejoins,
        rotated_since.as_unix_micros(),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    seen.raise(row.beats, row.regressions);
    Ok(Joined {
        installation: InstallationId::from_bytes(row.installation.into_bytes()),
        epoch: Epoch(row.epoch.cast_unsigned()),
        beat: row.beats.cast_unsigned(),
        escrow_known: row.escrow_known,
        undrained_rotations: row.undrained_rotations,
    })
}

pub(super) async fn heartbeat(
    pool: &PgPool,
    seen: &Seen,
    incarnation: IncarnationId,
    [at, alive_since, recent]: [Timestamp; 3],
) -> Result<Pulse, StoreError> {
    let row = sqlx::query!(
        r#"SELECT b.installation_id AS "installation!", b.epoch AS "epoch!", b.beats_now AS "beats!",
                  b.regressions_now AS "regressions!", h.known AS "known!", h.alive AS "alive!",
                  h.others_beat AS "others_beat!", h.replays_pending AS "replays_pending!",
                  h.store_time AS "store_time!"
           FROM beat($1, $2) b CROSS JOIN LATERAL heartbeat($3, $4, $5, $6, b.beats_now, b.epoch) h"#,
        seen.beats(),
        seen.regressions(),
        uuid(incarnation.as_bytes()),
        at.as_unix_micros(),
        alive_since.as_unix_micros(),
        recent.as_unix_micros(),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    seen.raise(row.beats, row.regressions);
    Ok(Pulse {
        store_time: Timestamp::from_unix_micros(row.store_time),
        epoch: Epoch(row.epoch.cast_unsigned()),
        installation: InstallationId::from_bytes(row.installation.into_bytes()),
        alive: number(row.alive, "alive")?,
        others_beat: row.others_beat.cast_unsigned(),
        replays_pending: number(row.replays_pending, "replays_pending")?,
        unknown: !row.known,
    })
}

/// The last heartbeat. It is numbered like every other, so that whoever finds this replica when it joins hears it leave.
pub(super) async fn leave(
    pool: &PgPool,
    seen: &Seen,
    incarnation: IncarnationId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE replicas SET drained_at = coalesce(drained_at, $4), ended_at = coalesce(ended_at, $4),
                             last_beat = b.beats_now
         FROM beat($1, $2) b WHERE incarnation = $3",
        seen.beats(),
        seen.regressions(),
        uuid(incarnation.as_bytes()),
        at.as_unix_micros(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}
