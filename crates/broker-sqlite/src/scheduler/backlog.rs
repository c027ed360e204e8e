//! How much there is to do, and who does it.

use broker_core::ports::{Backlog, ReplicaStanding, StoreError};
use broker_core::{EscrowId, IncarnationId, ProviderName, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Each number comes from an index of what it counts.
const COUNT: &str = "SELECT
    (SELECT count(*) FROM grants WHERE lifecycle = 'active' AND due_at IS NOT NULL AND due_at <= ?1) AS due,
    (SELECT min(due_at) FROM grants WHERE lifecycle = 'active' AND due_at IS NOT NULL AND due_at <= ?1) AS due_since,
    (SELECT count(*) FROM grants INDEXED BY grants_tainted WHERE tainted = 1 AND lifecycle = 'active') AS uncertain,
    (SELECT count(*) FROM grants INDEXED BY grants_suspect
     WHERE phase = 'suspect' AND lifecycle = 'active') AS suspect";

pub(super) async fn read(connection: &mut SqliteConnection, now: Timestamp) -> Result<Backlog, StoreError> {
    let counts = sqlx::query(COUNT).bind_time(now).fetch_one(&mut *connection).await.map_err(failed)?;
    Ok(Backlog {
        due: counts.number("due")?,
        due_since: counts.optional_time("due_since")?,
        uncertain: counts.number("uncertain")?,
        suspect: counts.number("suspect")?,
        in_flight: in_flight(connection).await?,
    })
}

async fn in_flight(connection: &mut SqliteConnection) -> Result<Vec<(ProviderName, u64)>, StoreError> {
    sqlx::query(
        "SELECT provider, count(*) AS open FROM attempts INDEXED BY attempts_open WHERE closed_at IS NULL
         GROUP BY provider ORDER BY provider",
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(|row| Ok((row.name("provider", ProviderName::new)?, row.number("open")?)))
    .collect()
}

pub(super) async fn replicas(
    pool: &SqlitePool,
    alive_since: Timestamp,
) -> Result<Vec<ReplicaStanding>, StoreError> {
    sqlx::query(
        "SELECT incarnation, escrow, heartbeat_at, drained_at FROM replicas
         WHERE drained_at IS NULL OR heartbeat_at >= ?1 ORDER BY number",
    )
    .bind_time(alive_since)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(replica)
    .collect()
}

fn replica(row: &SqliteRow) -> Result<ReplicaStanding, StoreError> {
    Ok(ReplicaStanding {
        incarnation: row.id("incarnation", IncarnationId::from_bytes)?,
        escrow: row.id("escrow", EscrowId::from_bytes)?,
        heartbeat_at: row.time("heartbeat_at")?,
        drained_at: row.optional_time("drained_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plan_of;

    #[tokio::test]
    async fn no_number_is_counted_by_reading_every_grant() {
        let plan = plan_of(COUNT).await;
        assert!(plan.iter().filter(|step| step.contains("grants_due")).count() >= 2, "{plan:#?}");
        let scans = plan.iter().filter(|step| step.starts_with("SCAN grants") && !step.contains("USING"));
        assert_eq!(scans.count(), 0, "{plan:#?}");
    }
}
