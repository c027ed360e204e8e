//! Webhooks: create, read, list, change, delete, and send again.

use std::time::Duration;

use broker_crypto::WebhookSecret;

use super::secrets::FIRST;
use super::{Webhook, WebhookStanding, WebhookState};
use crate::administer::{changed, id_reused};
use crate::ports::{
    CreateOutcome, Redelivery, WebhookChange, WebhookFilter, WebhookKey, WebhookSecretChange,
};
use crate::{
    Actor, AuditRecord, Broker, BrokerError, EventType, FieldViolation, RequestId, RowVersion, TenantId,
    WebhookId,
};

/// Longest URL, in bytes.
const LONGEST_URL: usize = 2048;

/// Nothing refers to one.
const NEVER_IN_USE: &str = "the webhook";

/// A webhook to create.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Whose events are sent.
    pub tenant: TenantId,
    /// Where to.
    pub url: String,
    /// Which types; empty for all.
    pub types: Vec<EventType>,
    /// For people.
    pub description: String,
}

/// Changes a webhook; an absent field stays as it is.
#[derive(Debug, Clone)]
pub struct WebhookUpdate {
    /// The webhook.
    pub key: WebhookKey,
    /// Where events are sent from now on.
    pub url: Option<String>,
    /// Which.
    pub types: Option<Vec<EventType>>,
    /// For people.
    pub description: Option<String>,
    /// Switches it on or off. Switched on, it is sent what happens from then on.
    pub enabled: Option<bool>,
    /// The version the change was made for; `None` changes whatever is there.
    pub expected: Option<RowVersion>,
}

impl Broker {
    /// Creates a webhook. A repeated request answers the one it has made, and its secret.
    pub async fn create_webhook(
        &self,
        new: NewWebhook,
        request: Option<RequestId>,
        by: &Actor,
    ) -> Result<(WebhookStanding, WebhookSecret), BrokerError> {
        self.check_webhook_url(&new.url)?;
        self.refuse_if_deleting(&new.tenant).await?;
        let types = EventType::names(&new.types);
        let parts = [new.tenant.as_str(), &new.url, &types, &new.description];
        let mark = self.mark(request, "CreateWebhook", &parts);
        let webhook = self.new_webhook(new);
        let key = WebhookKey { tenant: webhook.tenant.clone(), id: webhook.id };
        let (secret, sealed) = self.make_webhook_secret(&key, FIRST).await?;
        let record = self.webhook_record(&key, by);
        match self.webhooks.create_webhook(&webhook, &sealed, mark.as_ref(), &record).await? {
            CreateOutcome::Created => Ok((self.webhook(&key).await?, secret)),
            CreateOutcome::Repeated(id) => self.made_before(key.tenant, &id).await,
            CreateOutcome::Taken => Err(BrokerError::AlreadyExists("webhook")),
            CreateOutcome::IdReused => Err(id_reused()),
            CreateOutcome::OverQuota(quota) => Err(BrokerError::QuotaExceeded(quota)),
        }
    }

    /// The webhook of that key.
    pub async fn webhook(&self, key: &WebhookKey) -> Result<WebhookStanding, BrokerError> {
        self.webhooks.webhook(key).await?.ok_or_else(absent)
    }

    /// A page of a tenant's webhooks, oldest first.
    pub async fn list_webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookStanding>, BrokerError> {
        self.tenant(&filter.tenant).await?;
        Ok(self.webhooks.list_webhooks(filter).await?)
    }

    /// Changes a webhook, if it still has the version expected.
    pub async fn update_webhook(
        &self,
        update: WebhookUpdate,
        by: &Actor,
    ) -> Result<WebhookStanding, BrokerError> {
        if let Some(url) = &update.url {
            self.check_webhook_url(url)?;
        }
        let WebhookUpdate { key, url, types, description, enabled, expected } = update;
        let state = enabled.map(|on| if on { WebhookState::Enabled } else { WebhookState::Disabled });
        let at = self.clock.now();
        let change = WebhookChange { key, url, types, description, state, expected, at };
        let record = self.webhook_record(&change.key, by);
        changed(self.webhooks.update_webhook(&change, &record).await?, absent(), NEVER_IN_USE)?;
        self.webhook(&change.key).await
    }

    /// Deletes a webhook and what waits for it.
    pub async fn delete_webhook(
        &self,
        key: &WebhookKey,
        expected: Option<RowVersion>,
        by: &Actor,
    ) -> Result<(), BrokerError> {
        let record = self.webhook_record(key, by);
        changed(self.webhooks.delete_webhook(key, expected, &record).await?, absent(), NEVER_IN_USE)
    }

    /// Gives a webhook another secret. The one there is signs too for so long.
    pub async fn rotate_webhook_secret(
        &self,
        key: &WebhookKey,
        overlap: Duration,
        by: &Actor,
    ) -> Result<(WebhookStanding, WebhookSecret), BrokerError> {
        let held = self.webhooks.webhook_secrets(key).await?.ok_or_else(absent)?;
        let (secret, sealed) = self.make_webhook_secret(key, held.number.saturating_add(1)).await?;
        let at = self.clock.now();
        let (key, replaces, old_until) = (key.clone(), held.number, at + overlap);
        let change = WebhookSecretChange { key, replaces, secret: sealed, old_until, at };
        let record = self.webhook_record(&change.key, by);
        changed(self.webhooks.replace_webhook_secret(&change, &record).await?, absent(), NEVER_IN_USE)?;
        Ok((self.webhook(&change.key).await?, secret))
    }

    /// Has kept events sent again, before any others. Answers how many.
    pub async fn redeliver_webhook(
        &self,
        key: &WebhookKey,
        from: u64,
        to: Option<u64>,
        by: &Actor,
    ) -> Result<u64, BrokerError> {
        let redelivery = Redelivery { key: key.clone(), from, to, at: self.clock.now() };
        let record = self.webhook_record(key, by);
        self.webhooks.redeliver_webhook(&redelivery, &record).await?.ok_or_else(absent)
    }

    fn new_webhook(&self, new: NewWebhook) -> Webhook {
        let at = self.clock.now();
        Webhook {
            id: WebhookId::generate(at, self.entropy.as_ref()),
            tenant: new.tenant,
            url: new.url,
            types: new.types,
            description: new.description,
            state: WebhookState::Enabled,
            created_at: at,
            updated_at: at,
            version: RowVersion::first(at),
        }
    }

    async fn made_before(
        &self,
        tenant: TenantId,
        id: &str,
    ) -> Result<(WebhookStanding, WebhookSecret), BrokerError> {
        let key = WebhookKey { tenant, id: WebhookId::parse(id).ok_or_else(absent)? };
        let held = self.webhooks.webhook_secrets(&key).await?.ok_or_else(absent)?;
        let secret = self.open_webhook_secret(&key, &held.current, held.number).await?;
        Ok((self.webhook(&key).await?, secret))
    }

    fn check_webhook_url(&self, url: &str) -> Result<(), BrokerError> {
        let checked = match url.len() {
            ..=LONGEST_URL => self.webhook_sender.check_url(url),
            _ => Err(format!("must not be longer than {LONGEST_URL} bytes")),
        };
        checked.map_err(|problem| BrokerError::InvalidRequest(vec![FieldViolation::new("url", problem)]))
    }

    fn webhook_record(&self, key: &WebhookKey, by: &Actor) -> AuditRecord {
        by.did(Some(&key.tenant), self.clock.now()).resource(Webhook::resource(key.id))
    }
}

fn absent() -> BrokerError {
    BrokerError::ResourceNotFound("webhook")
}
