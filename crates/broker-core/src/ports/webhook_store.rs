//! Webhooks, and how far each has come.

use async_trait::async_trait;
use broker_crypto::{Sealed, WebhookSecret};

use super::{ChangeOutcome, CreateOutcome, RequestMark, StoreError};
use crate::{
    AuditRecord, DeliveryClaimId, DeliveryFailure, EventType, RowVersion, TenantId, Timestamp, Webhook,
    WebhookId, WebhookStanding, WebhookState,
};

/// Which webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookKey {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: WebhookId,
}

/// Which webhooks to list.
#[derive(Debug, Clone)]
pub struct WebhookFilter {
    /// The tenant.
    pub tenant: TenantId,
    /// Only those after this one.
    pub after: Option<WebhookId>,
    /// At most this many.
    pub limit: u32,
}

/// Changes a webhook; an absent field stays as it is. Whoever delivers to it at the time notices.
#[derive(Debug, Clone)]
pub struct WebhookChange {
    /// The webhook.
    pub key: WebhookKey,
    /// Its new URL.
    pub url: Option<String>,
    /// What is sent from now on.
    pub types: Option<Vec<EventType>>,
    /// Its new description.
    pub description: Option<String>,
    /// Enabled: what happens from now on is sent, if it was not enabled.
    pub state: Option<WebhookState>,
    /// The version the change was made for; `None` changes whatever is there.
    pub expected: Option<RowVersion>,
    /// When.
    pub at: Timestamp,
}

/// The secrets of a webhook.
#[derive(Debug, Clone)]
pub struct WebhookSecrets {
    /// The number of the secret there is, from 1 on. The one before it has the number before.
    pub number: u32,
    /// The secret there is.
    pub current: Sealed<WebhookSecret>,
    /// The one before, and until when it signs too.
    pub old: Option<(Sealed<WebhookSecret>, Timestamp)>,
}

/// Puts another secret in the place of the one there is.
#[derive(Debug)]
pub struct WebhookSecretChange {
    /// The webhook.
    pub key: WebhookKey,
    /// The number of the secret that becomes the old one.
    pub replaces: u32,
    /// The new one, of the number after.
    pub secret: Sealed<WebhookSecret>,
    /// Until when the old one signs too.
    pub old_until: Timestamp,
    /// When.
    pub at: Timestamp,
}

/// Sends events again.
#[derive(Debug, Clone)]
pub struct Redelivery {
    /// The webhook.
    pub key: WebhookKey,
    /// The place of the first.
    pub from: u64,
    /// The place of the last; `None` for the newest there is.
    pub to: Option<u64>,
    /// When.
    pub at: Timestamp,
}

/// Takes a webhook for deliveries.
#[derive(Debug, Clone)]
pub struct DeliveryClaim {
    /// The webhook.
    pub key: WebhookKey,
    /// The claim.
    pub claim: DeliveryClaimId,
    /// Now.
    pub at: Timestamp,
    /// Until then nobody else takes it.
    pub hold_until: Timestamp,
}

/// Deliveries that failed in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailingDelivery {
    /// How many.
    pub failures: u32,
    /// When the first of them did.
    pub since: Timestamp,
}

/// A webhook that was taken.
#[derive(Debug, Clone)]
pub struct ClaimedWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secrets.
    pub secrets: WebhookSecrets,
    /// The place after which to go on.
    pub after: u64,
    /// The last place to send, where events are sent again.
    pub through: Option<u64>,
    /// What failed before.
    pub failing: Option<FailingDelivery>,
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryNote {
    /// The event of that place was accepted. The webhook stays taken, until then.
    Accepted {
        /// The place.
        sequence: u64,
        /// Until when it is taken.
        hold_until: Timestamp,
    },
    /// Nothing is left to send up to that place.
    Done {
        /// The place.
        through: u64,
    },
    /// Not now.
    Paused {
        /// When to go on.
        until: Timestamp,
    },
    /// The next one was not accepted.
    Failed {
        /// Why.
        failure: DeliveryFailure,
        /// When to try again.
        retry_at: Timestamp,
    },
}

/// Webhooks. Changes by operators are committed with their record, and without a change there is none.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// When the oldest event happened that an enabled webhook has not had yet; `None` if all have had all.
    async fn undelivered_since(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Keeps a new one: what happens from now on is sent.
    async fn create_webhook(
        &self,
        webhook: &Webhook,
        secret: &Sealed<WebhookSecret>,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError>;

    /// The webhook of that key.
    async fn webhook(&self, key: &WebhookKey) -> Result<Option<WebhookStanding>, StoreError>;

    /// A page of a tenant's webhooks, oldest first.
    async fn list_webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookStanding>, StoreError>;

    /// Changes one. What failed before counts for nothing any more.
    async fn update_webhook(
        &self,
        change: &WebhookChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError>;

    /// Forgets one, of any version if none is expected.
    async fn delete_webhook(
        &self,
        key: &WebhookKey,
        expected: Option<RowVersion>,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError>;

    /// The secrets of one.
    async fn webhook_secrets(&self, key: &WebhookKey) -> Result<Option<WebhookSecrets>, StoreError>;

    /// Puts another secret in the place of the one there is.
    async fn replace_webhook_secret(
        &self,
        change: &WebhookSecretChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError>;

    /// Has events sent again, before any others; recorded whether there are any or not. What an enabled webhook is still to
    /// be sent comes in its turn and is not among them. Answers how many; `None` if there is no such webhook.
    async fn redeliver_webhook(
        &self,
        redelivery: &Redelivery,
        record: &AuditRecord,
    ) -> Result<Option<u64>, StoreError>;

    /// Webhooks that nobody has taken, and that have events to be sent by now, or are far behind the log.
    async fn due_webhooks(&self, by: Timestamp, limit: u32) -> Result<Vec<WebhookKey>, StoreError>;

    /// Takes one, if it may be taken.
    async fn claim_webhook(&self, claim: &DeliveryClaim) -> Result<Option<ClaimedWebhook>, StoreError>;

    /// Notes what came of a delivery. `false`: the claim is not valid any more, and nothing is noted.
    async fn note_delivery(
        &self,
        key: &WebhookKey,
        claim: DeliveryClaimId,
        note: DeliveryNote,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Switches one off whose deliveries failed, and tells of it. `false`: as of [`WebhookStore::note_delivery`].
    async fn fail_webhook(
        &self,
        key: &WebhookKey,
        claim: DeliveryClaimId,
        failure: DeliveryFailure,
        record: &AuditRecord,
    ) -> Result<bool, StoreError>;
}
