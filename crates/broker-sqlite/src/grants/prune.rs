//! Deleting attempts that nobody will ask for again.

use broker_core::Timestamp;
use broker_core::ports::StoreError;
use sqlx::SqlitePool;

use crate::columns::BindDomain;
use crate::operation::failed;

/// The oldest go first. What a grant's present token set came from stays: it tells a late answer from an adopted one.
const SQL: &str = "DELETE FROM attempts WHERE id IN (
         SELECT a.id FROM attempts a
         WHERE a.closed_at IS NOT NULL AND a.closed_at < ?1
           AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = a.grant_id AND g.lineage = a.lineage
                                                   AND g.generation = a.adopted_generation)
         ORDER BY a.closed_at LIMIT ?2)";

/// Unread answers go with their attempts.
pub(crate) async fn prune(
    pool: &SqlitePool,
    closed_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let deleted =
        sqlx::query(SQL).bind_time(closed_before).bind(limit).execute(pool).await.map_err(failed)?;
    Ok(deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plan_of;

    #[tokio::test]
    async fn only_what_is_old_enough_is_read() {
        let plan = plan_of(SQL).await;
        assert!(
            plan.iter()
                .any(|step| step
                    .contains("SEARCH a USING INDEX attempts_closed (closed_at>? AND closed_at<?)")),
            "{plan:?}"
        );
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
}
