//! What is due.

use broker_core::ports::{DueGrant, StoreError};
use broker_core::{Generation, GrantKey, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Reads the partial index `grants_due`: its own condition must stand here word for word.
const SQL: &str = "SELECT tenant, provider, user_id, account, generation
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

/// Moves a due time that no claim moved; it never moves one back.
pub(crate) async fn postpone(
    pool: &SqlitePool,
    key: &GrantKey,
    generation: Generation,
    until: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE grants SET due_at = ?6
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND generation = ?5 AND lifecycle = 'active' AND due_at < ?6",
    )
    .bind_key(key)
    .bind_generation(generation)
    .bind_time(until)
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
    Ok(DueGrant { key: row.key()?, generation: row.generation("generation")? })
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
