//! What is due.

use broker_core::Timestamp;
use broker_core::ports::{DueGrant, StoreError};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

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
    sqlx::query(SQL)
        .bind_time(now)
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(failed)?
        .iter()
        .map(due_grant)
        .collect()
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
