//! Deliveries: who makes them, and what came of them. A note counts only for whoever holds the claim.

use broker_core::ports::{ClaimedWebhook, DeliveryClaim, DeliveryNote, StoreError, WebhookKey};
use broker_core::{DeliveryClaimId, DeliveryFailure, TenantId, Timestamp, WebhookId};
use sqlx::{SqliteConnection, SqlitePool};

use super::rows;
use crate::columns::{BindDomain, Columns, Statement};
use crate::operation::failed;

/// A webhook that is so far behind the log is due though it has nothing to send: its place is moved on, so that the search
/// for something to send stays short.
const FAR_BEHIND: i64 = 1000;

pub(super) async fn due(pool: &SqlitePool, by: Timestamp, limit: u32) -> Result<Vec<WebhookKey>, StoreError> {
    let rows = sqlx::query(
        "SELECT w.tenant, w.id FROM webhooks w, event_head h
         WHERE w.state = 'enabled' AND w.next_at <= ?1 AND w.held_until <= ?1 AND (
             w.redeliver_after IS NOT NULL OR h.sequence - w.delivered > ?3 OR EXISTS (
                 SELECT 1 FROM events e
                 WHERE e.tenant IN (w.tenant, '') AND e.sequence > w.delivered
                   AND (w.types = '' OR instr(' ' || w.types || ' ', ' ' || e.type || ' '))))
         ORDER BY w.next_at LIMIT ?2",
    )
    .bind_time(by)
    .bind(limit)
    .bind(FAR_BEHIND)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let keys = rows.iter().map(|row| {
        Ok(WebhookKey {
            tenant: row.name("tenant", TenantId::new)?,
            id: row.id("id", WebhookId::from_bytes)?,
        })
    });
    keys.collect()
}

/// The first event that each has not had, and the oldest of those.
pub(super) async fn undelivered_since(pool: &SqlitePool) -> Result<Option<Timestamp>, StoreError> {
    sqlx::query(
        "SELECT min((
             SELECT e.at FROM events e
             WHERE e.tenant IN (w.tenant, '') AND e.sequence > w.delivered
               AND (w.types = '' OR instr(' ' || w.types || ' ', ' ' || e.type || ' '))
             ORDER BY e.sequence LIMIT 1)) AS oldest
         FROM webhooks w WHERE w.state = 'enabled'",
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?
    .optional_time("oldest")
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    claim: &DeliveryClaim,
) -> Result<Option<ClaimedWebhook>, StoreError> {
    let row = sqlx::query(
        "UPDATE webhooks SET claim = ?3, held_until = ?5
         WHERE tenant = ?1 AND id = ?2 AND state = 'enabled' AND next_at <= ?4 AND held_until <= ?4 RETURNING *",
    )
    .bind(claim.key.tenant.as_str())
    .bind(claim.key.id.as_bytes().as_slice())
    .bind(claim.claim.as_bytes().as_slice())
    .bind_time(claim.at)
    .bind_time(claim.hold_until)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    row.as_ref().map(rows::claimed).transpose()
}

pub(super) async fn note(
    connection: &mut SqliteConnection,
    key: &WebhookKey,
    claim: DeliveryClaimId,
    note: DeliveryNote,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let statement = match note {
        DeliveryNote::Accepted { sequence, hold_until } => held(
            "UPDATE webhooks SET delivered = iif(redeliver_after IS NULL, ?4, delivered),
                                 redeliver_after = iif(redeliver_after IS NULL, NULL, ?4),
                                 failures = 0, failing_since = NULL, last_success_at = ?6, held_until = ?5
             WHERE tenant = ?1 AND id = ?2 AND claim = ?3",
            key,
            claim,
        )
        .bind(sequence.cast_signed())
        .bind_time(hold_until)
        .bind_time(at),
        DeliveryNote::Done { through } => held(
            "UPDATE webhooks SET delivered = max(delivered, ?4), redeliver_after = NULL, redeliver_through = NULL,
                                 claim = NULL, held_until = 0, next_at = ?5, failures = 0, failing_since = NULL
             WHERE tenant = ?1 AND id = ?2 AND claim = ?3",
            key,
            claim,
        )
        .bind(through.cast_signed())
        .bind_time(at),
        DeliveryNote::Paused { until } => held(
            "UPDATE webhooks SET claim = NULL, held_until = 0, next_at = ?4
             WHERE tenant = ?1 AND id = ?2 AND claim = ?3",
            key,
            claim,
        )
        .bind_time(until),
        DeliveryNote::Failed { failure, retry_at } => refused(key, claim, failure, retry_at, at),
    };
    Ok(statement.execute(connection).await.map_err(failed)?.rows_affected() == 1)
}

fn refused<'q>(
    key: &WebhookKey,
    claim: DeliveryClaimId,
    failure: DeliveryFailure,
    next_at: Timestamp,
    at: Timestamp,
) -> Statement<'q> {
    let (word, status) = failure.to_parts();
    held(
        "UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, ?7), last_failure_at = ?7,
                             last_failure = ?4, last_failure_status = ?5, claim = NULL, held_until = 0, next_at = ?6
         WHERE tenant = ?1 AND id = ?2 AND claim = ?3",
        key,
        claim,
    )
    .bind(word)
    .bind(status)
    .bind_time(next_at)
    .bind_time(at)
}

/// A statement about what is held: its first three parameters.
fn held<'q>(sql: &'static str, key: &WebhookKey, claim: DeliveryClaimId) -> Statement<'q> {
    sqlx::query(sql)
        .bind(key.tenant.as_str().to_owned())
        .bind(key.id.as_bytes().to_vec())
        .bind(claim.as_bytes().to_vec())
}

/// The caller commits it with its record.
pub(super) async fn fail(
    connection: &mut SqliteConnection,
    key: &WebhookKey,
    claim: DeliveryClaimId,
    failure: DeliveryFailure,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let refused = refused(key, claim, failure, at, at).execute(&mut *connection).await.map_err(failed)?;
    if refused.rows_affected() == 0 {
        return Ok(false);
    }
    let of_webhook = |sql: &'static str| {
        sqlx::query(sql).bind(key.tenant.as_str()).bind(key.id.as_bytes().as_slice()).bind_time(at)
    };
    of_webhook(
        "UPDATE webhooks SET state = 'failed', updated_at = ?3, version = version + 1 WHERE tenant = ?1 AND id = ?2",
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    of_webhook(
        "INSERT INTO events (sequence, type, at, tenant, webhook_id)
         SELECT sequence + 1, 'webhook.disabled', ?3, ?1, ?2 FROM event_head",
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(true)
}
