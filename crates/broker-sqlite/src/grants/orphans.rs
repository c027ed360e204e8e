//! Open attempts of replicas that are gone.

use broker_core::ports::{Orphan, OwnerFate, StoreError};
use broker_core::{EscrowId, IncarnationId, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::attempts::{self, attempt_columns};
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(crate) async fn read(
    connection: &mut SqliteConnection,
    own: IncarnationId,
    silent_since: Timestamp,
    limit: u32,
) -> Result<Vec<Orphan>, StoreError> {
    sqlx::query(concat!(
        "SELECT ",
        attempt_columns!(),
        ", r.escrow, r.drained_at,
           (SELECT max(h.heartbeat_at) FROM replicas h WHERE h.escrow = r.escrow) AS heartbeat_at,
           (SELECT min(f.sent_at) FROM attempts f
            WHERE f.grant_id = a.grant_id AND f.generation = a.generation AND f.lineage = a.lineage) AS first_sent_at
         FROM attempts a LEFT JOIN replicas r ON r.incarnation = a.owner
         WHERE a.closed_at IS NULL AND a.owner <> ?1
           AND (r.number IS NULL OR r.drained_at IS NOT NULL OR r.heartbeat_at < ?2)
         ORDER BY a.claimed_at, a.id LIMIT ?3"
    ))
    .bind(own.as_bytes().as_slice())
    .bind_time(silent_since)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

fn from_row(row: &SqliteRow) -> Result<Orphan, StoreError> {
    Ok(Orphan {
        attempt: attempts::from_row(row)?,
        first_sent_at: row.optional_time("first_sent_at")?,
        owner: OwnerFate {
            escrow: row.optional_id("escrow", EscrowId::from_bytes)?,
            last_heartbeat: row.optional_time("heartbeat_at")?,
            drained_at: row.optional_time("drained_at")?,
        },
    })
}
