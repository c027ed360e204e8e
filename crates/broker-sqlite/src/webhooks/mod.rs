//! Webhooks: what operators do to them, and deliveries, each in a file of its own.

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

use crate::operation::failed;
use crate::{SqliteStore, audit};

#[async_trait]
impl WebhookStore for SqliteStore {
    async fn undelivered_since(&self) -> Result<Option<Timestamp>, StoreError> {
        self.operation("undelivered_since", deliveries::undelivered_since(&self.readers)).await
    }

    async fn create_webhook(
        &self,
        webhook: &Webhook,
        secret: &Sealed<WebhookSecret>,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        let quota = self.quotas.of(&webhook.tenant, QuotaKind::Webhooks);
        self.operation("create_webhook", async {
            let mut tx = self.write().await?;
            let outcome = change::create(&mut tx, webhook, secret, request, quota).await?;
            if outcome == CreateOutcome::Created {
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn webhook(&self, key: &WebhookKey) -> Result<Option<WebhookStanding>, StoreError> {
        self.operation("webhook", rows::standing(&self.readers, key)).await
    }

    async fn list_webhooks(&self, filter: &WebhookFilter) -> Result<Vec<WebhookStanding>, StoreError> {
        self.operation("list_webhooks", rows::page(&self.readers, filter)).await
    }

    async fn update_webhook(
        &self,
        change: &WebhookChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("update_webhook", async {
            let mut tx = self.write().await?;
            let outcome = change::may_change(&mut tx, &change.key, change.expected).await?;
            if outcome == ChangeOutcome::Changed {
                change::update(&mut tx, change).await?;
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn delete_webhook(
        &self,
        key: &WebhookKey,
        expected: Option<RowVersion>,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("delete_webhook", async {
            let mut tx = self.write().await?;
            let outcome = change::may_change(&mut tx, key, expected).await?;
            if outcome == ChangeOutcome::Changed {
                change::delete(&mut tx, key).await?;
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn webhook_secrets(&self, key: &WebhookKey) -> Result<Option<WebhookSecrets>, StoreError> {
        self.operation("webhook_secrets", rows::secrets(&self.readers, key)).await
    }

    async fn replace_webhook_secret(
        &self,
        change: &WebhookSecretChange,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("replace_webhook_secret", async {
            let mut tx = self.write().await?;
            let outcome = change::replace_secret(&mut tx, change).await?;
            if outcome == ChangeOutcome::Changed {
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn redeliver_webhook(
        &self,
        redelivery: &Redelivery,
        record: &AuditRecord,
    ) -> Result<Option<u64>, StoreError> {
        self.operation("redeliver_webhook", async {
            let mut tx = self.write().await?;
            let count = change::redeliver(&mut tx, redelivery).await?;
            if count.is_some() {
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(count)
        })
        .await
    }

    async fn due_webhooks(&self, by: Timestamp, limit: u32) -> Result<Vec<WebhookKey>, StoreError> {
        self.operation("due_webhooks", deliveries::due(&self.readers, by, limit)).await
    }

    async fn claim_webhook(&self, claim: &DeliveryClaim) -> Result<Option<ClaimedWebhook>, StoreError> {
        self.operation("claim_webhook", async {
            let mut tx = self.write().await?;
            let claimed = deliveries::claim(&mut tx, claim).await?;
            tx.commit().await.map_err(failed)?;
            Ok(claimed)
        })
        .await
    }

    async fn note_delivery(
        &self,
        key: &WebhookKey,
        claim: DeliveryClaimId,
        note: DeliveryNote,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.operation("note_delivery", async {
            let mut tx = self.write().await?;
            let noted = deliveries::note(&mut tx, key, claim, note, at).await?;
            tx.commit().await.map_err(failed)?;
            Ok(noted)
        })
        .await
    }

    async fn fail_webhook(
        &self,
        key: &WebhookKey,
        claim: DeliveryClaimId,
        failure: DeliveryFailure,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("fail_webhook", async {
            let mut tx = self.write().await?;
            let failed_now = deliveries::fail(&mut tx, key, claim, failure, record.at).await?;
            if failed_now {
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(failed_now)
        })
        .await
    }
}
