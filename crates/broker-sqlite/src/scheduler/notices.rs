//! Notices of grants that will die, and who dies by when.

use broker_core::ports::{AtRiskFilter, DueNotice, Notice, StoreError};
use broker_core::{ConsentCause, Grant, LineageId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::columns::{BindDomain, Columns, kept_span};
use crate::grants::rows::{self, grant_columns};
use crate::operation::failed;

/// Reads the partial index `grants_notice`: its own condition must stand here word for word.
const DUE: &str =
    "SELECT g.tenant, g.provider, g.user_id, g.account, g.lineage, g.lifecycle = 'active' AS is_active,
            s.refresh_token_generation IS NOT NULL AS refreshable, g.consented_at, g.authorization_ends_at,
            g.notice_at, g.noticed
     FROM grants g JOIN grant_secrets s ON s.grant_id = g.id
     WHERE g.notice_at IS NOT NULL AND g.notice_at <= ?1
     ORDER BY g.notice_at LIMIT ?2";

const AT_RISK: &str = concat!(
    "SELECT ",
    grant_columns!(),
    " FROM grants g JOIN grant_secrets s ON s.grant_id = g.id
     WHERE g.tenant = ?1 AND g.dies_at IS NOT NULL AND g.dies_at <= ?2 AND (g.dies_at, g.id) > (?3, ?4)
       AND (?5 IS NULL OR g.provider = ?5) AND g.lifecycle = 'active'
     ORDER BY g.tenant, g.dies_at, g.id LIMIT ?6"
);

pub(super) async fn due(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<DueNotice>, StoreError> {
    let rows = sqlx::query(DUE).bind_time(now).bind(limit).fetch_all(connection).await.map_err(failed)?;
    rows.iter().map(due_notice).collect()
}

fn due_notice(row: &SqliteRow) -> Result<DueNotice, StoreError> {
    Ok(DueNotice {
        key: row.key()?,
        lineage: row.id("lineage", LineageId::from_bytes)?,
        is_active: row.flag("is_active")?,
        refreshable: row.flag("refreshable")?,
        consented_at: row.time("consented_at")?,
        authorization_ends_at: row.time("authorization_ends_at")?,
        notice_at: row.time("notice_at")?,
        noticed: row.optional_span("noticed")?,
    })
}

/// Whether this call gave it.
pub(super) async fn give(connection: &mut SqliteConnection, notice: &Notice) -> Result<bool, StoreError> {
    let due = &notice.due;
    let given = sqlx::query(
        "UPDATE grants SET notice_at = ?5, noticed = ?6
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND lineage = ?7 AND lifecycle = 'active' AND notice_at = ?8 AND noticed IS ?9",
    )
    .bind_key(&due.key)
    .bind_optional_time(notice.next_at)
    .bind(kept_span(notice.before_end))
    .bind(due.lineage.as_bytes().as_slice())
    .bind_time(due.notice_at)
    .bind(due.noticed.map(kept_span))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(given.rows_affected() == 1)
}

/// Whether this call gave it up.
pub(super) async fn end_with_token(
    connection: &mut SqliteConnection,
    due: &DueNotice,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let given_up = sqlx::query(
        "UPDATE grants SET lifecycle = 'needs_consent', consent_cause = ?8, due_at = NULL, notice_at = NULL,
                           updated_at = ?5
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND lineage = ?6 AND lifecycle = 'active' AND notice_at = ?7",
    )
    .bind_key(&due.key)
    .bind_time(at)
    .bind(due.lineage.as_bytes().as_slice())
    .bind_time(due.notice_at)
    .bind(ConsentCause::NoOfflineAccess.as_str())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(given_up.rows_affected() == 1)
}

pub(super) async fn put_off(
    executor: impl SqliteExecutor<'_>,
    due: &DueNotice,
    until: Option<Timestamp>,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE grants SET notice_at = ?5
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND lineage = ?6 AND notice_at = ?7 AND noticed IS ?8",
    )
    .bind_key(&due.key)
    .bind_optional_time(until)
    .bind(due.lineage.as_bytes().as_slice())
    .bind_time(due.notice_at)
    .bind(due.noticed.map(kept_span))
    .execute(executor)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn at_risk(
    connection: &mut SqliteConnection,
    filter: &AtRiskFilter,
) -> Result<Vec<Grant>, StoreError> {
    let after = filter.after.as_ref();
    sqlx::query(AT_RISK)
        .bind(filter.tenant.as_str())
        .bind_time(filter.until)
        .bind_time(after.map_or(Timestamp::from_unix_micros(i64::MIN), |(dies_at, _)| *dies_at))
        .bind(after.map_or(&[][..], |(_, id)| id.as_bytes().as_slice()))
        .bind(filter.provider.as_ref().map(|provider| provider.as_str()))
        .bind(filter.limit)
        .fetch_all(connection)
        .await
        .map_err(failed)?
        .iter()
        .map(rows::grant)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plan_of;

    #[tokio::test]
    async fn only_what_is_due_and_only_who_dies_is_read() {
        let due = plan_of(DUE).await;
        assert!(due[0].contains("SEARCH g USING INDEX grants_notice (notice_at"), "{due:?}");
        let at_risk = plan_of(AT_RISK).await;
        assert!(at_risk[0].contains("SEARCH g USING INDEX grants_dying (tenant=? AND "), "{at_risk:?}");
        for plan in [due, at_risk] {
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        }
    }
}
