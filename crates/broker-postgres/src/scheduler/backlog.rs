//! How much there is to do, and who does it.

use broker_core::ports::{Backlog, ReplicaStanding, StoreError};
use broker_core::{EscrowId, IncarnationId, ProviderName, Timestamp};
use sqlx::{PgConnection, PgPool};

use crate::columns::{name, time};
use crate::operation::failed;
use crate::scope;

/// Each number comes from an index of what it counts.
pub(super) async fn read(pool: &PgPool, now: Timestamp) -> Result<Backlog, StoreError> {
    let mut tx = scope::of_all(pool).await?;
    let counts = sqlx::query!(
        r#"SELECT
               (SELECT count(*) FROM grant_rotation
                WHERE lifecycle = 'active' AND due_at IS NOT NULL AND due_at <= $1) AS "due!",
               (SELECT min(due_at) FROM grant_rotation
                WHERE lifecycle = 'active' AND due_at IS NOT NULL AND due_at <= $1) AS due_since,
               (SELECT count(*) FROM grant_rotation WHERE tainted AND lifecycle = 'active') AS "uncertain!",
               (SELECT count(*) FROM grants g JOIN grant_rotation r ON r.grant_id = g.id
                WHERE g.failure_kind = 'dead_token' AND r.phase = 'suspect' AND r.lifecycle = 'active') AS "suspect!""#,
        now.as_unix_micros(),
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    let in_flight = in_flight(&mut tx).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Backlog {
        due: counts.due.unsigned_abs(),
        due_since: time(counts.due_since),
        uncertain: counts.uncertain.unsigned_abs(),
        suspect: counts.suspect.unsigned_abs(),
        in_flight,
    })
}

async fn in_flight(connection: &mut PgConnection) -> Result<Vec<(ProviderName, u64)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT provider, count(*) AS "open!" FROM attempts WHERE closed_at IS NULL AND owner IS NOT NULL
           GROUP BY provider ORDER BY provider"#
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| Ok((name(row.provider, ProviderName::new, "provider")?, row.open.unsigned_abs())))
        .collect()
}

pub(super) async fn replicas(
    pool: &PgPool,
    alive_since: Timestamp,
) -> Result<Vec<ReplicaStanding>, StoreError> {
    let rows = sqlx::query!(
        "SELECT incarnation, escrow_id, heartbeat_at, drained_at FROM replicas
         WHERE drained_at IS NULL OR (ended_at IS NULL AND heartbeat_at >= $1) ORDER BY number",
        alive_since.as_unix_micros(),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let standings = rows.into_iter().map(|row| ReplicaStanding {
        incarnation: IncarnationId::from_bytes(row.incarnation.into_bytes()),
        escrow: EscrowId::from_bytes(row.escrow_id.into_bytes()),
        heartbeat_at: Timestamp::from_unix_micros(row.heartbeat_at),
        drained_at: time(row.drained_at),
    });
    Ok(standings.collect())
}
