//! Notices of grants that will die, and who dies by when.

use broker_core::ports::{AtRiskFilter, DueNotice, Notice, StoreError};
use broker_core::{AuditRecord, ConsentCause, Grant, LineageId, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

use crate::columns::{key, life, micros, span, uuid};
use crate::grants::rows::GrantRow;
use crate::operation::failed;
use crate::{audit, events, scope};

struct NoticeRow {
    tenant: String,
    provider: String,
    user_id: String,
    account: String,
    lineage: Uuid,
    is_active: bool,
    refreshable: bool,
    consented_at: i64,
    authorization_ends_at: i64,
    notice_at: i64,
    noticed: Option<i64>,
}

/// Reads the partial index `grants_notice`: its own condition must stand here word for word.
pub(super) async fn due(pool: &PgPool, now: Timestamp, limit: u32) -> Result<Vec<DueNotice>, StoreError> {
    let rows = sqlx::query_as!(
        NoticeRow,
        r#"SELECT g.tenant, g.provider, g.user_id, g.account, r.lineage, r.lifecycle = 'active' AS "is_active!",
                  s.refresh_token_generation IS NOT NULL AS "refreshable!", g.consented_at,
                  g.authorization_ends_at AS "authorization_ends_at!", g.notice_at AS "notice_at!", g.noticed
           FROM grants g JOIN grant_rotation r ON r.grant_id = g.id JOIN grant_secrets s ON s.grant_id = g.id
           WHERE g.notice_at IS NOT NULL AND g.notice_at <= $1
           ORDER BY g.notice_at LIMIT $2"#,
        now.as_unix_micros(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter().map(NoticeRow::notice).collect()
}

impl NoticeRow {
    fn notice(self) -> Result<DueNotice, StoreError> {
        Ok(DueNotice {
            key: key([self.tenant, self.provider, self.user_id, self.account])?,
            lineage: LineageId::from_bytes(self.lineage.into_bytes()),
            is_active: self.is_active,
            refreshable: self.refreshable,
            consented_at: Timestamp::from_unix_micros(self.consented_at),
            authorization_ends_at: Timestamp::from_unix_micros(self.authorization_ends_at),
            notice_at: Timestamp::from_unix_micros(self.notice_at),
            noticed: self.noticed.map(span).transpose()?,
        })
    }
}

/// Whether this call gave it. The rotation's row is locked first, as every step does that changes a grant.
pub(super) async fn give(pool: &PgPool, notice: &Notice, record: &AuditRecord) -> Result<bool, StoreError> {
    let due = &notice.due;
    let mut tx = scope::of_tenant(pool, &due.key.tenant).await?;
    let active = sqlx::query_scalar!(
        "SELECT true FROM grant_rotation
         WHERE tenant = $1 AND grant_id = $2 AND lineage = $3 AND lifecycle = 'active' FOR UPDATE",
        due.key.tenant.as_str(),
        uuid(due.key.grant_id().as_bytes()),
        uuid(due.lineage.as_bytes()),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    let noticed = Some(notice.before_end);
    let given = active.is_some() && move_on(&mut *tx, due, notice.next_at, noticed).await? == 1;
    if given {
        audit::write(&mut tx, record).await?;
        events::tell::of_end(&mut tx, due.key.grant_id(), notice.at).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(given)
}

/// Whether this call gave it up.
pub(super) async fn end_with_token(
    pool: &PgPool,
    due: &DueNotice,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let mut tx = scope::of_tenant(pool, &due.key.tenant).await?;
    let given_up = sqlx::query!(
        "UPDATE grant_rotation SET lifecycle = 'needs_consent', consent_cause = $4, due_at = NULL, updated_at = $5
         WHERE tenant = $1 AND grant_id = $2 AND lineage = $3 AND lifecycle = 'active'",
        due.key.tenant.as_str(),
        uuid(due.key.grant_id().as_bytes()),
        uuid(due.lineage.as_bytes()),
        ConsentCause::NoOfflineAccess.as_str(),
        at.as_unix_micros(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if given_up.rows_affected() == 0 || move_on(&mut *tx, due, None, due.noticed).await? == 0 {
        return Ok(false);
    }
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

pub(super) async fn put_off(
    pool: &PgPool,
    due: &DueNotice,
    until: Option<Timestamp>,
) -> Result<(), StoreError> {
    move_on(pool, due, until, due.noticed).await.map(drop)
}

/// Whether nothing has moved it since it was read tells its own time: a new lineage has another.
async fn move_on(
    executor: impl sqlx::PgExecutor<'_>,
    due: &DueNotice,
    until: Option<Timestamp>,
    noticed: Option<std::time::Duration>,
) -> Result<u64, StoreError> {
    let moved = sqlx::query!(
        "UPDATE grants SET notice_at = $3, noticed = $4
         WHERE tenant = $1 AND id = $2 AND consented_at = $5 AND notice_at = $6
           AND noticed IS NOT DISTINCT FROM $7",
        due.key.tenant.as_str(),
        uuid(due.key.grant_id().as_bytes()),
        micros(until),
        life(noticed),
        due.consented_at.as_unix_micros(),
        due.notice_at.as_unix_micros(),
        life(due.noticed),
    )
    .execute(executor)
    .await
    .map_err(failed)?;
    Ok(moved.rows_affected())
}

/// Has its order from the index `grants_dying`, where a deep page starts where the last ended.
pub(super) async fn at_risk(pool: &PgPool, filter: &AtRiskFilter) -> Result<Vec<Grant>, StoreError> {
    let after = filter.after.as_ref();
    let mut tx = scope::of_tenant(pool, &filter.tenant).await?;
    let rows = sqlx::query_as!(
        GrantRow,
        r#"SELECT g.id AS "id!", g.tenant AS "tenant!", g.provider AS "provider!", g.user_id AS "user_id!",
                  g.account AS "account!", g.registration AS "registration!", g.lineage AS "lineage!",
                  g.generation AS "generation!", g.lifecycle AS "lifecycle!", g.consent_cause, g.phase AS "phase!",
                  g.tainted AS "tainted!", g.refresh_token_generation, g.token_type AS "token_type!",
                  g.scopes AS "scopes!", g.api_base_url, g.issued_at AS "issued_at!", g.expires_at AS "expires_at!",
                  g.consented_at AS "consented_at!", g.dies_at, g.due_at, g.refreshed_at, g.failure_kind,
                  g.failure_at, g.failure_since, g.failure_in_a_row, g.failure_oauth_error, g.failure_http_status,
                  g.created_at AS "created_at!", g.updated_at AS "updated_at!", g.revocation, g.upstream_account
           FROM grant_rows g
           WHERE g.tenant = $1 AND g.dies_at IS NOT NULL AND g.dies_at <= $2 AND (g.dies_at, g.id) > ($3, $4)
             AND ($5::text IS NULL OR g.provider = $5) AND g.lifecycle = 'active'
           ORDER BY g.tenant, g.dies_at, g.id LIMIT $6"#,
        filter.tenant.as_str(),
        filter.until.as_unix_micros(),
        after.map_or(i64::MIN, |(dies_at, _)| dies_at.as_unix_micros()),
        after.map_or(Uuid::nil(), |(_, id)| uuid(id.as_bytes())),
        filter.provider.as_ref().map(|provider| provider.as_str()),
        i64::from(filter.limit),
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    rows.into_iter().map(GrantRow::grant).collect()
}
