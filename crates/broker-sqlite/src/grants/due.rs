//! What is due.

use broker_core::ports::{DueGrant, StoreError};
use broker_core::{Phase, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Reads the partial index `grants_due`: its own condition must stand here word for word.
const SQL: &str = "SELECT tenant, provider, user_id, account, generation, due_at, phase
     FROM grants
     WHERE lifecycle = 'active' AND due_at IS NOT NULL AND due_at <= ?1
     ORDER BY due_at LIMIT ?2";

pub(crate) async fn read(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<DueGrant>, StoreError> {
    let rows = sqlx::query(SQL).bind_time(now).bind(limit).fetch_all(connection).await.map_err(failed)?;
    Ok(rows.iter().filter_map(readable).collect())
}

/// Moves a due time that nothing has moved since it was read.
pub(crate) async fn postpone(pool: &SqlitePool, due: &DueGrant, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE grants SET due_at = ?6
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND generation = ?5 AND lifecycle = 'active' AND due_at = ?7",
    )
    .bind_key(&due.key)
    .bind_generation(due.generation)
    .bind_time(until)
    .bind_time(due.due_at)
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

/// One row that cannot be read must not keep every other grant from being refreshed.
fn readable(row: &SqliteRow) -> Option<DueGrant> {
    due_grant(row).inspect_err(|error| tracing::error!(%error, "a due grant cannot be read")).ok()
}

fn due_grant(row: &SqliteRow) -> Result<DueGrant, StoreError> {
    let phase = row.text("phase")?;
    Ok(DueGrant {
        key: row.key()?,
        generation: row.generation("generation")?,
        due_at: row.time("due_at")?,
        undecided: phase == Phase::Uncertain.as_str() || phase == Phase::Suspect.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plan_of;

    #[tokio::test]
    async fn only_the_due_range_of_the_index_is_read() {
        let plan = plan_of(SQL).await;
        assert_eq!(plan.len(), 1, "{plan:?}");
        assert!(plan[0].contains("SEARCH grants USING INDEX grants_due (due_at"), "{plan:?}");
    }
}
