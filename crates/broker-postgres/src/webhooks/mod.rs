//! Webhooks: what operators do to them here, deliveries in a file of their own.

mod change;
mod deliveries;
mod rows;

use async_trait::async_trait;
use broker_core::ports::{
    ChangeOutcome, ClaimedWebhook, CreateOutcome, DeliveryClaim, DeliveryNote, Redelivery, RequestMark,
    StoreError, WebhookChange, WebhookFilter, WebhookKey, WebhookSecretChange, WebhookSecrets, WebhookStore,
};
use broker_core::{
    AuditRecord, DeliveryClaimId, DeliveryFailure, QuotaKind, RowVersion, Timestamp, Webhook, WebhookStanding,
};
use broker_crypto::{Sealed, WebhookSecret};

pub(crate) use self::change::erase_all;
use crate::PostgresStore;

#[async_trait]
impl WebhookStore for PostgresStore {
    async fn undelivered_since(&self) -> Result<Option<Timestamp>, StoreError> {
        self.operation("undelivered_since", deliveries::undelivered_since(&self.pools.consent)).await
    }

    async fn create_webhook(
        &self,
        webhook: &Webhook,
        secret: &Sealed<WebhookSecret>,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        let quota = self.quotas.of(&webhook.tenant, QuotaKind::Webhooks);
        let created = change::create(&self.pools.admin, webhook, secret, request, quota, record);
        self.operation("create_webhook", created).await
    }

    async fn webhook(&self, key: &WebhookKey) -> Result<Option<WebhookStanding>, StoreError> {
        self.operation("webhook", rows::standing(&self.pools.consent, key)).await
    }

    async fn list_webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookStanding>, StoreError> {
        self.operation("list_webhooks", rows::page(&self.pools.consent, filter)).await
    }

    async fn update_webhook(
        &self,
        change: &WebhookChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("update_webhook", change::update(&self.pools.admin, change, record)).await
    }

    async fn delete_webhook(
        &self,
        key: &WebhookKey,
        expected: Option<RowVersion>,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("delete_webhook", change::delete(&self.pools.admin, key, expected, record)).await
    }

    async fn webhook_secrets(&self, key: &WebhookKey) -> Result<Option<WebhookSecrets>, StoreError> {
        self.operation("webhook_secrets", rows::secrets(&self.pools.consent, key)).await
    }

    async fn replace_webhook_secret(
        &self,
        change: &WebhookSecretChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        let replaced = change::replace_secret(&self.pools.consent, change, record);
        self.operation("replace_webhook_secret", replaced).await
    }

    async fn redeliver_webhook(
        &self,
        redelivery: &Redelivery,
        record: &AuditRecord,
    ) -> Result<Option<u64>, StoreError> {
        let scheduled = change::redeliver(&self.pools.consent, redelivery, record);
        self.operation("redeliver_webhook", scheduled).await
    }

    async fn due_webhooks(&self, by: Timestamp, limit: u32) -> Result<Vec<WebhookKey>, StoreError> {
        self.operation("due_webhooks", deliveries::due(&self.pools.rotation, by, limit)).await
    }

    async fn claim_webhook(&self, claim: &DeliveryClaim) -> Result<Option<ClaimedWebhook>, StoreError> {
        self.operation("claim_webhook", deliveries::claim(&self.pools.rotation, claim)).await
    }

    async fn note_delivery(
        &self,
        key: &WebhookKey,
        claim: DeliveryClaimId,
        note: DeliveryNote,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.operation("note_delivery", deliveries::note(&self.pools.rotation, key, claim, note, at)).await
    }

    async fn fail_webhook(
        &self,
        key: &WebhookKey,
        claim: DeliveryClaimId,
        failure: DeliveryFailure,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("fail_webhook", deliveries::fail(&self.pools.rotation, key, claim, failure, record))
            .await
    }
}
