//! Deliveries: who makes them, and what came of them. A note counts only for whoever holds the claim.

use broker_core::ports::{ClaimedWebhook, DeliveryClaim, DeliveryNote, StoreError, WebhookKey};
use broker_core::{AuditRecord, DeliveryClaimId, DeliveryFailure, TenantId, Timestamp, WebhookId};
use sqlx::{PgConnection, PgPool};

use super::rows::WebhookRow;
use crate::audit;
use crate::columns::{name, time, uuid};
use crate::operation::failed;

/// A webhook that is so far behind the log is due though it has nothing to send: its place is moved on, so that the search
/// for something to send stays short.
const FAR_BEHIND: i64 = 1000;

pub(super) async fn due(pool: &PgPool, by: Timestamp, limit: u32) -> Result<Vec<WebhookKey>, StoreError> {
    let rows = sqlx::query!(
        "SELECT w.tenant, w.id FROM webhooks w, event_head h
         WHERE w.state = 'enabled' AND w.next_at <= $1 AND w.held_until <= $1 AND (
             w.redeliver_after IS NOT NULL OR h.sequence - w.delivered > $3 OR EXISTS (
                 SELECT 1 FROM events e
                 WHERE e.tenant IN (w.tenant, '') AND e.sequence > w.delivered
                   AND (w.types = '' OR e.type = ANY (string_to_array(w.types, ' ')))))
         ORDER BY w.next_at LIMIT $2",
        by.as_unix_micros(),
        i64::from(limit),
        FAR_BEHIND,
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let keys = rows.into_iter().map(|row| {
        let tenant = name(row.tenant, TenantId::new, "tenant")?;
        Ok(WebhookKey { tenant, id: WebhookId::from_bytes(row.id.into_bytes()) })
    });
    keys.collect()
}

/// The first event that each has not had, and the oldest of those.
pub(super) async fn undelivered_since(pool: &PgPool) -> Result<Option<Timestamp>, StoreError> {
    let oldest = sqlx::query_scalar!(
        "SELECT min(next.at) FROM webhooks w CROSS JOIN LATERAL (
             SELECT e.at FROM events e
             WHERE e.tenant IN (w.tenant, '') AND e.sequence > w.delivered
               AND (w.types = '' OR e.type = ANY (string_to_array(w.types, ' ')))
             ORDER BY e.sequence LIMIT 1) next
         WHERE w.state = 'enabled'"
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    Ok(time(oldest))
}

pub(super) async fn claim(
    pool: &PgPool,
    claim: &DeliveryClaim,
) -> Result<Option<ClaimedWebhook>, StoreError> {
    let row = sqlx::query_as!(
        WebhookRow,
        r#"UPDATE webhooks SET claim = $3, held_until = $5
           WHERE tenant = $1 AND id = $2 AND state = 'enabled' AND next_at <= $4 AND held_until <= $4
           RETURNING id, tenant, url, types, description, state, secret_number, secret, old_secret, old_secret_until,
                     delivered, redeliver_after, redeliver_through, failures, failing_since, last_success_at,
                     last_failure_at, last_failure, last_failure_status, created_at, updated_at, version,
                     0::bigint AS "pending!""#,
        claim.key.tenant.as_str(),
        uuid(claim.key.id.as_bytes()),
        uuid(claim.claim.as_bytes()),
        claim.at.as_unix_micros(),
        claim.hold_until.as_unix_micros(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    row.map(|row| row.claimed()).transpose()
}

pub(super) async fn note(
    pool: &PgPool,
    key: &WebhookKey,
    claim: DeliveryClaimId,
    note: DeliveryNote,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let mut connection = pool.acquire().await.map_err(failed)?;
    match note {
        DeliveryNote::Accepted { sequence, hold_until } => {
            accepted(&mut connection, key, claim, sequence, hold_until, at).await
        }
        DeliveryNote::Done { through } => done(&mut connection, key, claim, through, at).await,
        DeliveryNote::Paused { until } => paused(&mut connection, key, claim, until).await,
        DeliveryNote::Failed { failure, retry_at } => {
            refused(&mut connection, key, claim, failure, retry_at, at).await
        }
    }
}

async fn accepted(
    connection: &mut PgConnection,
    key: &WebhookKey,
    claim: DeliveryClaimId,
    sequence: u64,
    hold_until: Timestamp,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let noted = sqlx::query!(
        "UPDATE webhooks SET delivered = CASE WHEN redeliver_after IS NULL THEN $4 ELSE delivered END,
                             redeliver_after = CASE WHEN redeliver_after IS NOT NULL THEN $4 END,
                             failures = 0, failing_since = NULL, last_success_at = $6, held_until = $5
         WHERE tenant = $1 AND id = $2 AND claim = $3",
        key.tenant.as_str(),
        uuid(key.id.as_bytes()),
        uuid(claim.as_bytes()),
        sequence.cast_signed(),
        hold_until.as_unix_micros(),
        at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(noted.rows_affected() == 1)
}

async fn done(
    connection: &mut PgConnection,
    key: &WebhookKey,
    claim: DeliveryClaimId,
    through: u64,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let noted = sqlx::query!(
        "UPDATE webhooks SET delivered = greatest(delivered, $4), redeliver_after = NULL, redeliver_through = NULL,
                             claim = NULL, held_until = 0, next_at = $5, failures = 0, failing_since = NULL
         WHERE tenant = $1 AND id = $2 AND claim = $3",
        key.tenant.as_str(),
        uuid(key.id.as_bytes()),
        uuid(claim.as_bytes()),
        through.cast_signed(),
        at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(noted.rows_affected() == 1)
}

async fn paused(
    connection: &mut PgConnection,
    key: &WebhookKey,
    claim: DeliveryClaimId,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let noted = sqlx::query!(
        "UPDATE webhooks SET claim = NULL, held_until = 0, next_at = $4 WHERE tenant = $1 AND id = $2 AND claim = $3",
        key.tenant.as_str(),
        uuid(key.id.as_bytes()),
        uuid(claim.as_bytes()),
        until.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(noted.rows_affected() == 1)
}

async fn refused(
    connection: &mut PgConnection,
    key: &WebhookKey,
    claim: DeliveryClaimId,
    failure: DeliveryFailure,
    next_at: Timestamp,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (word, status) = failure.to_parts();
    let noted = sqlx::query!(
        "UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, $7), last_failure_at = $7,
                             last_failure = $4, last_failure_status = $5, claim = NULL, held_until = 0, next_at = $6
         WHERE tenant = $1 AND id = $2 AND claim = $3",
        key.tenant.as_str(),
        uuid(key.id.as_bytes()),
        uuid(claim.as_bytes()),
        word,
        status.map(i32::from),
        next_at.as_unix_micros(),
        at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(noted.rows_affected() == 1)
}

pub(super) async fn fail(
    pool: &PgPool,
    key: &WebhookKey,
    claim: DeliveryClaimId,
    failure: DeliveryFailure,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    if !refused(&mut tx, key, claim, failure, record.at, record.at).await? {
        return Ok(false);
    }
    sqlx::query!(
        "WITH failed AS (
             UPDATE webhooks SET state = 'failed', updated_at = $3, version = version + 1 WHERE tenant = $1 AND id = $2
         )
         INSERT INTO event_inbox (type, at, tenant, webhook_id) VALUES ('webhook.disabled', $3, $1, $2)",
        key.tenant.as_str(),
        uuid(key.id.as_bytes()),
        record.at.as_unix_micros(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}
