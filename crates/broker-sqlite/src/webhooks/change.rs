//! What operators change. A change takes the webhook from whoever delivers to it.

use broker_core::ports::{
    ChangeOutcome, CreateOutcome, Redelivery, RequestMark, StoreError, WebhookChange, WebhookKey,
    WebhookSecretChange,
};
use broker_core::{EventType, Quota, RowVersion, Webhook, WebhookState};
use broker_crypto::{Sealed, WebhookSecret};
use sqlx::SqliteConnection;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::{quotas, requests};

/// The caller commits what was created, and nothing else.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    webhook: &Webhook,
    secret: &Sealed<WebhookSecret>,
    request: Option<&RequestMark>,
    quota: Quota,
) -> Result<CreateOutcome, StoreError> {
    if let Some(before) = requests::before(connection, webhook.tenant.as_str(), request).await? {
        return Ok(before);
    }
    insert(connection, webhook, secret).await?;
    requests::keep(connection, webhook.tenant.as_str(), request, &webhook.id.to_string()).await?;
    Ok(match quotas::webhooks_exceed(connection, quota, &webhook.tenant).await? {
        true => CreateOutcome::OverQuota(quota),
        false => CreateOutcome::Created,
    })
}

async fn insert(
    connection: &mut SqliteConnection,
    webhook: &Webhook,
    secret: &Sealed<WebhookSecret>,
) -> Result<(), StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO webhooks (id, tenant, url, types, description, state, secret_number, secret, delivered, next_at,
                               created_at, updated_at, version)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, h.sequence, ?8, ?8, ?8, ?9 FROM event_head h
         WHERE NOT EXISTS (SELECT 1 FROM tenant_deletions d WHERE d.tenant = ?2)",
    )
    .bind(webhook.id.as_bytes().as_slice())
    .bind(webhook.tenant.as_str())
    .bind(webhook.url.as_str())
    .bind(EventType::names(&webhook.types))
    .bind(webhook.description.as_str())
    .bind(webhook.state.as_str())
    .bind(secret.as_bytes())
    .bind_time(webhook.created_at)
    .bind_version(webhook.version)
    .execute(connection)
    .await
    .map_err(failed)?;
    match inserted.rows_affected() {
        1 => Ok(()),
        _ => Err(StoreError::Inconsistent("a webhook of a tenant that is being deleted")),
    }
}

pub(super) async fn update(
    connection: &mut SqliteConnection,
    change: &WebhookChange,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhooks SET
             url = coalesce(?3, url), types = coalesce(?4, types), description = coalesce(?5, description),
             delivered = CASE
                 WHEN ?6 = 'enabled' AND state <> 'enabled' THEN (SELECT sequence FROM event_head)
                 WHEN ?4 IS NULL THEN delivered
                 -- All before the next event to be sent is done with, though the row may not say so yet.
                 ELSE coalesce((SELECT min(e.sequence) - 1 FROM events e
                                WHERE e.tenant IN (webhooks.tenant, '') AND e.sequence > webhooks.delivered
                                  AND (webhooks.types = ''
                                       OR instr(' ' || webhooks.types || ' ', ' ' || e.type || ' '))),
                               (SELECT sequence FROM event_head))
             END,
             state = coalesce(?6, state), failures = 0, failing_since = NULL, next_at = ?7, claim = NULL,
             held_until = 0, updated_at = ?7, version = version + 1
         WHERE tenant = ?1 AND id = ?2",
    )
    .bind(change.key.tenant.as_str())
    .bind(change.key.id.as_bytes().as_slice())
    .bind(change.url.as_deref())
    .bind(change.types.as_deref().map(EventType::names))
    .bind(change.description.as_deref())
    .bind(change.state.map(WebhookState::as_str))
    .bind_time(change.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn delete(connection: &mut SqliteConnection, key: &WebhookKey) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM webhooks WHERE tenant = ?1 AND id = ?2")
        .bind(key.tenant.as_str())
        .bind(key.id.as_bytes().as_slice())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn replace_secret(
    connection: &mut SqliteConnection,
    change: &WebhookSecretChange,
) -> Result<ChangeOutcome, StoreError> {
    let outcome = may_change(connection, &change.key, None).await?;
    if outcome != ChangeOutcome::Changed {
        return Ok(outcome);
    }
    let replaced = sqlx::query(
        "UPDATE webhooks SET old_secret = secret, old_secret_until = ?4, secret = ?5, secret_number = secret_number + 1,
                             claim = NULL, held_until = 0, updated_at = ?6, version = version + 1
         WHERE tenant = ?1 AND id = ?2 AND secret_number = ?3",
    )
    .bind(change.key.tenant.as_str())
    .bind(change.key.id.as_bytes().as_slice())
    .bind(change.replaces)
    .bind_time(change.old_until)
    .bind(change.secret.as_bytes())
    .bind_time(change.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(if replaced.rows_affected() == 1 { ChangeOutcome::Changed } else { ChangeOutcome::Stale })
}

pub(super) async fn redeliver(
    connection: &mut SqliteConnection,
    redelivery: &Redelivery,
) -> Result<Option<u64>, StoreError> {
    if may_change(connection, &redelivery.key, None).await? != ChangeOutcome::Changed {
        return Ok(None);
    }
    let ask = |sql: &'static str| {
        sqlx::query(sql)
            .bind(redelivery.key.tenant.as_str().to_owned())
            .bind(redelivery.key.id.as_bytes().to_vec())
            .bind(redelivery.from.cast_signed())
            .bind(redelivery.to.map_or(i64::MAX, u64::cast_signed))
            .bind_time(redelivery.at)
    };
    let counted = ask("SELECT count(*) AS count FROM webhooks w, events e
         WHERE w.tenant = ?1 AND w.id = ?2 AND e.tenant IN (?1, '') AND ?5 IS NOT NULL
           AND e.sequence BETWEEN ?3 AND min(?4, iif(w.state = 'enabled', w.delivered, ?4))
           AND (w.types = '' OR instr(' ' || w.types || ' ', ' ' || e.type || ' '))");
    let count = counted.fetch_one(&mut *connection).await.map_err(failed)?.number("count")?;
    ask("UPDATE webhooks SET redeliver_after = min(coalesce(redeliver_after, ?3 - 1), ?3 - 1),
             redeliver_through = max(coalesce(redeliver_through, 0),
                                     min(?4, (SELECT sequence FROM event_head), iif(state = 'enabled', delivered, ?4)))
         WHERE tenant = ?1 AND id = ?2 AND ?5 IS NOT NULL
           AND min(?4, (SELECT sequence FROM event_head), iif(state = 'enabled', delivered, ?4)) >= ?3")
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    ask("UPDATE webhooks SET next_at = ?5, failures = 0, failing_since = NULL, claim = NULL, held_until = 0
         WHERE tenant = ?1 AND id = ?2 AND ?3 + ?4 IS NOT NULL")
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(Some(count))
}

/// Whether a change may be made of the version expected.
pub(super) async fn may_change(
    connection: &mut SqliteConnection,
    key: &WebhookKey,
    expected: Option<RowVersion>,
) -> Result<ChangeOutcome, StoreError> {
    let held = sqlx::query("SELECT version FROM webhooks WHERE tenant = ?1 AND id = ?2")
        .bind(key.tenant.as_str())
        .bind(key.id.as_bytes().as_slice())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let Some(held) = held else { return Ok(ChangeOutcome::Absent) };
    let held = held.version("version")?;
    Ok(match expected.is_some_and(|expected| expected != held) {
        true => ChangeOutcome::Stale,
        false => ChangeOutcome::Changed,
    })
}
