//! Reading webhooks.

use broker_core::ports::{
    ClaimedWebhook, FailingDelivery, StoreError, WebhookFilter, WebhookKey, WebhookSecrets,
};
use broker_core::{
    DeliveryFailure, EventType, LastDeliveryFailure, TenantId, Webhook, WebhookId, WebhookProgress,
    WebhookStanding, WebhookState,
};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::columns::Columns;
use crate::operation::failed;

pub(super) async fn standing(
    pool: &SqlitePool,
    key: &WebhookKey,
) -> Result<Option<WebhookStanding>, StoreError> {
    read(pool, key).await?.as_ref().map(whole).transpose()
}

pub(super) async fn secrets(
    pool: &SqlitePool,
    key: &WebhookKey,
) -> Result<Option<WebhookSecrets>, StoreError> {
    read(pool, key).await?.as_ref().map(secrets_of).transpose()
}

async fn read(pool: &SqlitePool, key: &WebhookKey) -> Result<Option<SqliteRow>, StoreError> {
    sqlx::query("SELECT * FROM webhook_rows WHERE tenant = ?1 AND id = ?2")
        .bind(key.tenant.as_str())
        .bind(key.id.as_bytes().as_slice())
        .fetch_optional(pool)
        .await
        .map_err(failed)
}

pub(super) async fn page(
    pool: &SqlitePool,
    filter: &WebhookFilter,
) -> Result<Vec<WebhookStanding>, StoreError> {
    sqlx::query(
        "SELECT * FROM webhook_rows WHERE tenant = ?1 AND (?2 IS NULL OR id > ?2) ORDER BY id LIMIT ?3",
    )
    .bind(filter.tenant.as_str())
    .bind(filter.after.map(|after| after.as_bytes().to_vec()))
    .bind(filter.limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(whole)
    .collect()
}

fn whole(row: &SqliteRow) -> Result<WebhookStanding, StoreError> {
    Ok(WebhookStanding { webhook: webhook(row)?, progress: progress(row)? })
}

fn webhook(row: &SqliteRow) -> Result<Webhook, StoreError> {
    let types = row.text("types")?;
    let types = types.split_ascii_whitespace().map(EventType::from_name).collect::<Option<_>>();
    Ok(Webhook {
        id: row.id("id", WebhookId::from_bytes)?,
        tenant: row.name("tenant", TenantId::new)?,
        url: row.text("url")?,
        types: types.ok_or(StoreError::Inconsistent("types"))?,
        description: row.text("description")?,
        state: row.word("state", WebhookState::from_name)?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.version("version")?,
    })
}

fn progress(row: &SqliteRow) -> Result<WebhookProgress, StoreError> {
    Ok(WebhookProgress {
        delivered_through: row.number("delivered")?,
        pending: row.number("pending")?,
        last_success_at: row.optional_time("last_success_at")?,
        last_failure: last_failure(row)?,
        old_secret_until: row.optional_time("old_secret_until")?,
    })
}

fn last_failure(row: &SqliteRow) -> Result<Option<LastDeliveryFailure>, StoreError> {
    let failure = row.optional_text("last_failure")?;
    let Some((at, failure)) = row.optional_time("last_failure_at")?.zip(failure) else { return Ok(None) };
    let failure = DeliveryFailure::from_parts(&failure, row.optional_number("last_failure_status")?);
    Ok(Some(LastDeliveryFailure { at, failure: failure.ok_or(StoreError::Inconsistent("last_failure"))? }))
}

fn secrets_of(row: &SqliteRow) -> Result<WebhookSecrets, StoreError> {
    Ok(WebhookSecrets {
        number: row.number("secret_number")?,
        current: row.sealed("secret")?,
        old: row.optional_sealed("old_secret")?.zip(row.optional_time("old_secret_until")?),
    })
}

/// What is sent again goes first.
pub(super) fn claimed(row: &SqliteRow) -> Result<ClaimedWebhook, StoreError> {
    let failures = row.number("failures")?;
    let delivered = row.number("delivered")?;
    Ok(ClaimedWebhook {
        webhook: webhook(row)?,
        secrets: secrets_of(row)?,
        after: row.optional_number("redeliver_after")?.unwrap_or(delivered),
        through: row.optional_number("redeliver_through")?,
        failing: row.optional_time("failing_since")?.map(|since| FailingDelivery { failures, since }),
    })
}
