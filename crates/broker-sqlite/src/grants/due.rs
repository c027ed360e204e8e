//! What is due.

use broker_core::ports::{DueGrant, DueQuery, StoreError};
use broker_core::{Phase, RegistrationId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

macro_rules! due_columns {
    () => {
        "g.tenant, g.provider, g.user_id, g.account, g.generation, g.due_at, g.phase, g.registration, \
         g.expires_at, g.dies_at, g.refresh_token_timeout, k.asked_at"
    };
}

/// Reads the partial index `grants_due`: its own condition must stand here word for word.
const EARLIEST: &str = concat!(
    "SELECT ",
    due_columns!(),
    " FROM grants g LEFT JOIN grants_asked k ON k.grant_id = g.id
     WHERE g.lifecycle = 'active' AND g.due_at IS NOT NULL AND g.due_at <= ?1
     ORDER BY g.due_at LIMIT ?2"
);

/// Leaps through the index `grants_due_by_lane` from one tenant and provider to the next, and reads the earliest of
/// each. `lane` is any grant of it. The plus signs strip the columns of their affinity: with it, SQLite seeks by the
/// tenant alone and walks through the rest.
const BY_LANE: &str = concat!(
    "WITH RECURSIVE lanes (lane) AS (
         SELECT * FROM (SELECT f.rowid FROM grants f WHERE f.lifecycle = 'active' AND f.due_at IS NOT NULL
                        ORDER BY f.tenant, f.provider LIMIT 1)
         UNION ALL
         SELECT (SELECT n.rowid FROM grants n
                 WHERE n.lifecycle = 'active' AND n.due_at IS NOT NULL
                   AND (n.tenant, n.provider) > (+l.tenant, +l.provider)
                 ORDER BY n.tenant, n.provider LIMIT 1)
         FROM lanes JOIN grants l ON l.rowid = lanes.lane
     )
     SELECT ",
    due_columns!(),
    " FROM lanes CROSS JOIN grants l ON l.rowid = lanes.lane
     CROSS JOIN grants g ON g.rowid IN (
         SELECT d.rowid FROM grants d
         WHERE d.lifecycle = 'active' AND d.due_at IS NOT NULL AND d.due_at <= ?1
           AND d.tenant = l.tenant AND d.provider = l.provider
         ORDER BY d.due_at LIMIT ?3)
     LEFT JOIN grants_asked k ON k.grant_id = g.id
     ORDER BY g.due_at LIMIT ?2"
);

pub(crate) async fn read(
    connection: &mut SqliteConnection,
    query: &DueQuery,
) -> Result<Vec<DueGrant>, StoreError> {
    let statement = match query.per_lane {
        None => sqlx::query(EARLIEST).bind_time(query.due_by).bind(query.limit),
        Some(most) => sqlx::query(BY_LANE).bind_time(query.due_by).bind(query.limit).bind(most),
    };
    let rows = statement.fetch_all(connection).await.map_err(failed)?;
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
    let phase = row.word("phase", Phase::from_name)?;
    Ok(DueGrant {
        key: row.key()?,
        generation: row.generation("generation")?,
        due_at: row.time("due_at")?,
        undecided: matches!(phase, Phase::Uncertain | Phase::Suspect),
        registration: row.name("registration", RegistrationId::new)?,
        expires_at: row.time("expires_at")?,
        dies_at: row.optional_time("dies_at")?,
        refresh_token_timeout: row.optional_span("refresh_token_timeout")?,
        asked_at: row.optional_time("asked_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plan_of;

    #[tokio::test]
    async fn only_the_due_range_of_the_index_is_read() {
        let plan = plan_of(EARLIEST).await;
        assert!(plan[0].contains("SEARCH g USING INDEX grants_due (due_at"), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }

    #[tokio::test]
    async fn lanes_are_leapt_through_not_scanned() {
        let plan = plan_of(BY_LANE).await;
        let leap = "USING COVERING INDEX grants_due_by_lane ((tenant,provider)>(?,?))";
        let range =
            "USING COVERING INDEX grants_due_by_lane (tenant=? AND provider=? AND due_at>? AND due_at<?)";
        for part in [leap, range] {
            assert!(plan.iter().any(|step| step.contains(part)), "{part}: {plan:#?}");
        }
        let walks = ["SCAN g", "SCAN d", "SCAN n", "SCAN l "];
        assert!(!plan.iter().any(|step| walks.iter().any(|walk| step.starts_with(walk))), "{plan:#?}");
    }
}
