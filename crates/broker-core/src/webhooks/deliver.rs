//! Delivering to one webhook, event by event: the next is not sent before the one before it is accepted.

use std::time::Duration;

use broker_crypto::WebhookSecret;
use tokio_util::sync::CancellationToken;

use super::retry::{AfterFailure, after_failure};
use super::{DeliveryFailure, Webhook};
use crate::error::chain;
use crate::ports::{
    ClaimedWebhook, Delivery, DeliveryClaim, DeliveryNote, DeliveryRefusal, EventFilter, EventPage,
    FailingDelivery, StoreError, WebhookKey,
};
use crate::{Actor, AuditAction, Broker, BrokerError, DeliveryClaimId, Event, Timestamp};

/// A webhook is taken for as long as one delivery may take, and this much for noting it; and again with each.
const TO_NOTE: Duration = Duration::from_secs(5);

/// Events sent before another webhook has its turn.
const PAGE: u32 = 50;

/// How long nothing is sent where the secrets cannot be opened.
const UNSIGNED_PAUSE: Duration = Duration::from_secs(30);

/// What is being delivered.
struct Turn<'a> {
    key: &'a WebhookKey,
    claim: DeliveryClaimId,
    claimed: ClaimedWebhook,
    secrets: Vec<WebhookSecret>,
}

impl Broker {
    /// Delivers to a webhook, unless somebody else has taken it.
    pub(super) async fn deliver(
        &self,
        key: &WebhookKey,
        stop: &CancellationToken,
    ) -> Result<(), BrokerError> {
        let at = self.clock.now();
        let claim = DeliveryClaimId::generate(at, self.entropy.as_ref());
        let asked = DeliveryClaim { key: key.clone(), claim, at, hold_until: self.hold_from(at) };
        let Some(claimed) = self.webhooks.claim_webhook(&asked).await? else { return Ok(()) };
        let secrets = match self.signing_secrets(key, &claimed.secrets, at).await {
            Ok(secrets) => secrets,
            Err(error) => {
                let until = self.clock.now() + UNSIGNED_PAUSE;
                self.note(key, claim, DeliveryNote::Paused { until }).await?;
                return Err(error);
            }
        };
        let turn = Turn { key, claim, claimed, secrets };
        let page = self.page(&turn).await?;
        self.send_page(&turn, page, stop).await
    }

    /// Events that were forgotten meanwhile cannot be sent: it goes on with the oldest that is kept.
    async fn page(&self, turn: &Turn<'_>) -> Result<EventPage, StoreError> {
        let Webhook { tenant, types, .. } = &turn.claimed.webhook;
        let filter = EventFilter { tenant: Some(tenant.clone()), types: types.clone() };
        let page = self.events.events_after(&filter, turn.claimed.after, PAGE).await?;
        if turn.claimed.after + 1 < page.oldest {
            tracing::warn!(webhook = %turn.key.id, oldest = page.oldest, "events were forgotten before they were sent");
        }
        Ok(page)
    }

    async fn send_page(
        &self,
        turn: &Turn<'_>,
        page: EventPage,
        stop: &CancellationToken,
    ) -> Result<(), BrokerError> {
        let through = turn.claimed.through;
        let is_last = page.events.len() < PAGE as usize;
        let is_wanted = |event: &Event| through.is_none_or(|through| event.sequence <= through);
        let (wanted, beyond): (Vec<_>, Vec<_>) = page.events.into_iter().partition(is_wanted);
        let mut failing = turn.claimed.failing;
        // A receiver that takes its time keeps no others waiting.
        let until = self.clock.now() + self.webhook_sender.longest();
        for event in &wanted {
            if stop.is_cancelled() || self.clock.now() >= until {
                return self.pause(turn).await;
            }
            if !self.send(turn, event, failing.take()).await? {
                return Ok(());
            }
        }
        if is_last || !beyond.is_empty() {
            let done = DeliveryNote::Done { through: through.unwrap_or(page.newest) };
            self.note(turn.key, turn.claim, done).await?;
            return Ok(());
        }
        self.pause(turn).await
    }

    fn hold_from(&self, at: Timestamp) -> Timestamp {
        at + self.webhook_sender.longest() + TO_NOTE
    }

    async fn pause(&self, turn: &Turn<'_>) -> Result<(), BrokerError> {
        self.note(turn.key, turn.claim, DeliveryNote::Paused { until: self.clock.now() }).await?;
        Ok(())
    }

    /// Whether the next one may be sent.
    async fn send(
        &self,
        turn: &Turn<'_>,
        event: &Event,
        failing: Option<FailingDelivery>,
    ) -> Result<bool, BrokerError> {
        let (url, secrets) = (turn.claimed.webhook.url.as_str(), turn.secrets.as_slice());
        let delivery = Delivery { url, event, secrets, at: self.clock.now() };
        match self.webhook_sender.send(&delivery).await {
            Ok(()) => {
                self.measures.deliveries.count("delivered");
                let hold_until = self.hold_from(self.clock.now());
                let note = DeliveryNote::Accepted { sequence: event.sequence, hold_until };
                Ok(self.note(turn.key, turn.claim, note).await?)
            }
            Err(refusal) => {
                self.refused(turn, failing, &refusal).await?;
                Ok(false)
            }
        }
    }

    async fn refused(
        &self,
        turn: &Turn<'_>,
        before: Option<FailingDelivery>,
        refusal: &DeliveryRefusal,
    ) -> Result<(), BrokerError> {
        let (key, failure, now) = (turn.key, refusal.failure, self.clock.now());
        self.measures.deliveries.count(match failure {
            DeliveryFailure::Status(_) => "refused",
            _ => "failed",
        });
        match after_failure(refusal, before, now, self.draw()) {
            AfterFailure::RetryAt(retry_at) => {
                tracing::debug!(webhook = %key.id, ?failure, %retry_at, "a delivery was not accepted");
                self.note(key, turn.claim, DeliveryNote::Failed { failure, retry_at }).await?;
            }
            AfterFailure::GiveUp => {
                let by = Actor::broker(AuditAction::FAIL_WEBHOOK);
                let record = by.did(Some(&key.tenant), now).resource(Webhook::resource(key.id));
                if self.webhooks.fail_webhook(key, turn.claim, failure, &record).await? {
                    self.measures.deliveries.count("disabled");
                    tracing::warn!(
                        tenant = %key.tenant, webhook = %key.id, ?failure,
                        "a webhook is switched off: its receiver is gone, or failed for three days"
                    );
                }
            }
        }
        Ok(())
    }

    /// Tried again where the store was away: what was sent need not be sent twice.
    async fn note(
        &self,
        key: &WebhookKey,
        claim: DeliveryClaimId,
        note: DeliveryNote,
    ) -> Result<bool, StoreError> {
        match self.webhooks.note_delivery(key, claim, note, self.clock.now()).await {
            Err(error) => {
                tracing::debug!(webhook = %key.id, error = chain(&error), "a delivery could not be noted at once");
                self.webhooks.note_delivery(key, claim, note, self.clock.now()).await
            }
            noted => noted,
        }
    }
}
