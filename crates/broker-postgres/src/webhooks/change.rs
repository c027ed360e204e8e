//! What operators change. A change takes the webhook from whoever delivers to it.

use broker_core::ports::{
    ChangeOutcome, CreateOutcome, Redelivery, RequestMark, StoreError, WebhookChange, WebhookKey,
    WebhookSecretChange,
};
use broker_core::{AuditRecord, EventType, Quota, RowVersion, TenantId, Webhook, WebhookState};
use broker_crypto::{Sealed, WebhookSecret};
use sqlx::{PgConnection, PgPool};

use crate::columns::{kept_version, number, uuid, version};
use crate::operation::failed;
use crate::{audit, quotas, requests, scope};

pub(super) async fn create(
    pool: &PgPool,
    webhook: &Webhook,
    secret: &Sealed<WebhookSecret>,
    request: Option<&RequestMark>,
    quota: Quota,
    record: &AuditRecord,
) -> Result<CreateOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &webhook.tenant).await?;
    if let Some(before) = requests::before(&mut tx, webhook.tenant.as_str(), request).await? {
        return Ok(before);
    }
    hold_tenant(&mut tx, &webhook.tenant).await?;
    insert(&mut tx, webhook, secret).await?;
    requests::keep(&mut tx, webhook.tenant.as_str(), request, &webhook.id.to_string()).await?;
    if quotas::webhooks_exceed(&mut tx, quota, &webhook.tenant).await? {
        return Ok(CreateOutcome::OverQuota(quota));
    }
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(CreateOutcome::Created)
}

/// No deletion begins meanwhile.
async fn hold_tenant(connection: &mut PgConnection, tenant: &TenantId) -> Result<(), StoreError> {
    sqlx::query_scalar!("SELECT true FROM tenants WHERE id = $1 FOR UPDATE", tenant.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn insert(
    connection: &mut PgConnection,
    webhook: &Webhook,
    secret: &Sealed<WebhookSecret>,
) -> Result<(), StoreError> {
    let inserted = sqlx::query!(
        "INSERT INTO webhooks (id, tenant, url, types, description, state, secret_number, secret, delivered, next_at,
                               created_at, updated_at, version)
         SELECT $1, $2, $3, $4, $5, $6, 1, $7, h.sequence, $8, $8, $8, $9 FROM event_head h
         WHERE NOT EXISTS (SELECT 1 FROM tenant_deletions d WHERE d.tenant = $2)",
        uuid(webhook.id.as_bytes()),
        webhook.tenant.as_str(),
        webhook.url.as_str(),
        EventType::names(&webhook.types),
        webhook.description.as_str(),
        webhook.state.as_str(),
        secret.as_bytes(),
        webhook.created_at.as_unix_micros(),
        kept_version(webhook.version),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    match inserted.rows_affected() {
        1 => Ok(()),
        _ => Err(StoreError::Inconsistent("a webhook of a tenant that is being deleted")),
    }
}

pub(super) async fn update(
    pool: &PgPool,
    change: &WebhookChange,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &change.key.tenant).await?;
    let outcome = may_change(&mut tx, &change.key, change.expected).await?;
    if outcome == ChangeOutcome::Changed {
        write(&mut tx, change).await?;
        audit::write(&mut tx, record).await?;
        tx.commit().await.map_err(failed)?;
    }
    Ok(outcome)
}

async fn write(connection: &mut PgConnection, change: &WebhookChange) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE webhooks w SET
             url = coalesce($3, w.url), types = coalesce($4, w.types), description = coalesce($5, w.description),
             state = coalesce($6, w.state),
             delivered = CASE WHEN $6 = 'enabled' AND w.state <> 'enabled' THEN h.sequence
                              WHEN $4 IS NULL THEN w.delivered
                              ELSE next_of_webhook(w.tenant, w.types, w.delivered) END,
             failures = 0, failing_since = NULL, next_at = $7, claim = NULL, held_until = 0, updated_at = $7,
             version = w.version + 1
         FROM event_head h WHERE w.tenant = $1 AND w.id = $2",
        change.key.tenant.as_str(),
        uuid(change.key.id.as_bytes()),
        change.url.as_deref(),
        change.types.as_deref().map(EventType::names),
        change.description.as_deref(),
        change.state.map(WebhookState::as_str),
        change.at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn delete(
    pool: &PgPool,
    key: &WebhookKey,
    expected: Option<RowVersion>,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &key.tenant).await?;
    let outcome = may_change(&mut tx, key, expected).await?;
    if outcome == ChangeOutcome::Changed {
        sqlx::query!(
            "DELETE FROM webhooks WHERE tenant = $1 AND id = $2",
            key.tenant.as_str(),
            uuid(key.id.as_bytes()),
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        audit::write(&mut tx, record).await?;
        tx.commit().await.map_err(failed)?;
    }
    Ok(outcome)
}

/// Forgets those of a tenant that is being deleted.
pub(crate) async fn erase_all(connection: &mut PgConnection, tenant: &TenantId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM webhooks WHERE tenant = $1", tenant.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Read with its old secret, which operators do not see: the work of a rotator.
pub(super) async fn replace_secret(
    pool: &PgPool,
    change: &WebhookSecretChange,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let outcome = may_change(&mut tx, &change.key, None).await?;
    if outcome != ChangeOutcome::Changed {
        return Ok(outcome);
    }
    let replaced = sqlx::query!(
        "UPDATE webhooks SET old_secret = secret, old_secret_until = $4, secret = $5, secret_number = secret_number + 1,
                             claim = NULL, held_until = 0, updated_at = $6, version = version + 1
         WHERE tenant = $1 AND id = $2 AND secret_number = $3",
        change.key.tenant.as_str(),
        uuid(change.key.id.as_bytes()),
        number::<i32, _>(change.replaces, "secret_number")?,
        change.old_until.as_unix_micros(),
        change.secret.as_bytes(),
        change.at.as_unix_micros(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if replaced.rows_affected() == 0 {
        return Ok(ChangeOutcome::Stale);
    }
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(ChangeOutcome::Changed)
}

pub(super) async fn redeliver(
    pool: &PgPool,
    redelivery: &Redelivery,
    record: &AuditRecord,
) -> Result<Option<u64>, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let (key, from) = (&redelivery.key, redelivery.from.cast_signed());
    if may_change(&mut tx, key, None).await? != ChangeOutcome::Changed {
        return Ok(None);
    }
    let count = sqlx::query_scalar!(
        r#"WITH due AS (
               SELECT w.id, w.types, least($4, h.sequence, CASE WHEN w.state = 'enabled' THEN w.delivered END) AS through
               FROM webhooks w, event_head h WHERE w.tenant = $1 AND w.id = $2
           ), asked AS (
               UPDATE webhooks w SET
                   redeliver_after = CASE WHEN due.through >= $3 THEN least(w.redeliver_after, $3 - 1)
                                          ELSE w.redeliver_after END,
                   redeliver_through = CASE WHEN due.through >= $3 THEN greatest(w.redeliver_through, due.through)
                                            ELSE w.redeliver_through END,
                   next_at = $5, failures = 0, failing_since = NULL, claim = NULL, held_until = 0
               FROM due WHERE w.id = due.id
           )
           SELECT count(*) AS "count!" FROM due, events e
           WHERE e.tenant IN ($1, '') AND (due.types = '' OR e.type = ANY (string_to_array(due.types, ' ')))
             AND e.sequence BETWEEN $3 AND due.through"#,
        key.tenant.as_str(),
        uuid(key.id.as_bytes()),
        from,
        redelivery.to.map_or(i64::MAX, u64::cast_signed),
        redelivery.at.as_unix_micros(),
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Some(number(count, "count")?))
}

/// Whether a change may be made of the version expected. The row is locked.
async fn may_change(
    connection: &mut PgConnection,
    key: &WebhookKey,
    expected: Option<RowVersion>,
) -> Result<ChangeOutcome, StoreError> {
    let held = sqlx::query_scalar!(
        "SELECT version FROM webhooks WHERE tenant = $1 AND id = $2 FOR UPDATE",
        key.tenant.as_str(),
        uuid(key.id.as_bytes()),
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let Some(held) = held else { return Ok(ChangeOutcome::Absent) };
    let held = version(held, "version")?;
    Ok(match expected.is_some_and(|expected| expected != held) {
        true => ChangeOutcome::Stale,
        false => ChangeOutcome::Changed,
    })
}
