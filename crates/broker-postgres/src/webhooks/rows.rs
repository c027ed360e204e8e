//! Reading webhooks.

use broker_core::ports::{
    ClaimedWebhook, FailingDelivery, StoreError, WebhookFilter, WebhookKey, WebhookSecrets,
};
use broker_core::{
    DeliveryFailure, EventType, LastDeliveryFailure, TenantId, Timestamp, Webhook, WebhookId,
    WebhookProgress, WebhookStanding, WebhookState,
};
use broker_crypto::Sealed;
use sqlx::PgPool;
use uuid::Uuid;

use crate::columns::{name, number, time, uuid, version, word};
use crate::operation::failed;

/// A row of `webhooks`.
pub(super) struct WebhookRow {
    pub(super) id: Uuid,
    pub(super) tenant: String,
    pub(super) url: String,
    pub(super) types: String,
    pub(super) description: String,
    pub(super) state: String,
    pub(super) secret_number: i32,
    pub(super) secret: Vec<u8>,
    pub(super) old_secret: Option<Vec<u8>>,
    pub(super) old_secret_until: Option<i64>,
    pub(super) delivered: i64,
    pub(super) redeliver_after: Option<i64>,
    pub(super) redeliver_through: Option<i64>,
    pub(super) failures: i32,
    pub(super) failing_since: Option<i64>,
    pub(super) last_success_at: Option<i64>,
    pub(super) last_failure_at: Option<i64>,
    pub(super) last_failure: Option<String>,
    pub(super) last_failure_status: Option<i32>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) version: i64,
    pub(super) pending: i64,
}

pub(super) async fn standing(pool: &PgPool, key: &WebhookKey) -> Result<Option<WebhookStanding>, StoreError> {
    read(pool, key).await?.map(|row| row.standing()).transpose()
}

pub(super) async fn secrets(pool: &PgPool, key: &WebhookKey) -> Result<Option<WebhookSecrets>, StoreError> {
    read(pool, key).await?.map(|row| row.secrets()).transpose()
}

async fn read(pool: &PgPool, key: &WebhookKey) -> Result<Option<WebhookRow>, StoreError> {
    sqlx::query_as!(
        WebhookRow,
        r#"SELECT id, tenant, url, types, description, state, secret_number, secret, old_secret, old_secret_until, delivered,
                  redeliver_after, redeliver_through, failures, failing_since, last_success_at, last_failure_at,
                  last_failure, last_failure_status, created_at, updated_at, version, pending_events(w) AS "pending!"
           FROM webhooks w WHERE tenant = $1 AND id = $2"#,
        key.tenant.as_str(),
        uuid(key.id.as_bytes()),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)
}

pub(super) async fn page(pool: &PgPool, filter: &WebhookFilter) -> Result<Vec<WebhookStanding>, StoreError> {
    let rows = sqlx::query_as!(
        WebhookRow,
        r#"SELECT id, tenant, url, types, description, state, secret_number, secret, old_secret, old_secret_until, delivered,
                  redeliver_after, redeliver_through, failures, failing_since, last_success_at, last_failure_at,
                  last_failure, last_failure_status, created_at, updated_at, version, pending_events(w) AS "pending!"
           FROM webhooks w WHERE tenant = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        filter.tenant.as_str(),
        filter.after.map(|after| uuid(after.as_bytes())),
        i64::from(filter.limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.iter().map(WebhookRow::standing).collect()
}

impl WebhookRow {
    fn standing(&self) -> Result<WebhookStanding, StoreError> {
        Ok(WebhookStanding { webhook: self.webhook()?, progress: self.progress()? })
    }

    fn webhook(&self) -> Result<Webhook, StoreError> {
        let types = self.types.split_ascii_whitespace();
        Ok(Webhook {
            id: WebhookId::from_bytes(self.id.into_bytes()),
            tenant: name(self.tenant.clone(), TenantId::new, "tenant")?,
            url: self.url.clone(),
            types: types.map(|kind| word(kind, EventType::from_name, "types")).collect::<Result<_, _>>()?,
            description: self.description.clone(),
            state: word(&self.state, WebhookState::from_name, "state")?,
            created_at: Timestamp::from_unix_micros(self.created_at),
            updated_at: Timestamp::from_unix_micros(self.updated_at),
            version: version(self.version, "version")?,
        })
    }

    fn progress(&self) -> Result<WebhookProgress, StoreError> {
        Ok(WebhookProgress {
            delivered_through: number(self.delivered, "delivered")?,
            pending: number(self.pending, "pending")?,
            last_success_at: time(self.last_success_at),
            last_failure: self.last_failure()?,
            old_secret_until: time(self.old_secret_until),
        })
    }

    fn last_failure(&self) -> Result<Option<LastDeliveryFailure>, StoreError> {
        let Some((at, failure)) = time(self.last_failure_at).zip(self.last_failure.as_deref()) else {
            return Ok(None);
        };
        let status =
            self.last_failure_status.map(|status| number(status, "last_failure_status")).transpose()?;
        let failure = DeliveryFailure::from_parts(failure, status);
        let failure = failure.ok_or(StoreError::Inconsistent("last_failure"))?;
        Ok(Some(LastDeliveryFailure { at, failure }))
    }

    fn secrets(&self) -> Result<WebhookSecrets, StoreError> {
        let old = self.old_secret.clone().map(Sealed::from_bytes);
        Ok(WebhookSecrets {
            number: number(self.secret_number, "secret_number")?,
            current: Sealed::from_bytes(self.secret.clone()),
            old: old.zip(time(self.old_secret_until)),
        })
    }

    /// What is sent again goes first.
    pub(super) fn claimed(&self) -> Result<ClaimedWebhook, StoreError> {
        let failures = number(self.failures, "failures")?;
        let through = self.redeliver_through.map(|through| number(through, "redeliver_through"));
        Ok(ClaimedWebhook {
            webhook: self.webhook()?,
            secrets: self.secrets()?,
            after: number(self.redeliver_after.unwrap_or(self.delivered), "delivered")?,
            through: through.transpose()?,
            failing: time(self.failing_since).map(|since| FailingDelivery { failures, since }),
        })
    }
}
