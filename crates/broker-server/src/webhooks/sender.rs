//! Sending one event: three headers, one body, and what an answer means.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker_core::ports::{Delivery, DeliveryRefusal, WebhookSender};
use broker_core::{Clock, DeliveryFailure};
use broker_egress::{Cause, Post, PostFailure, StrangerEgress};
use broker_providers::retry_after;
use url::Url;

use super::payload::{body, id, seconds};

/// Delivers events per Standard Webhooks.
pub(crate) struct StandardWebhooks {
    egress: StrangerEgress,
    clock: Arc<dyn Clock>,
}

impl StandardWebhooks {
    pub(crate) fn new(egress: StrangerEgress, clock: Arc<dyn Clock>) -> Self {
        Self { egress, clock }
    }
}

#[async_trait]
impl WebhookSender for StandardWebhooks {
    fn check_url(&self, url: &str) -> Result<(), String> {
        if url.chars().any(|character| character.is_control() || character.is_whitespace()) {
            return Err("must not have control characters or spaces".to_owned());
        }
        let url = Url::parse(url).map_err(|_| "must be an absolute URL".to_owned())?;
        if url.fragment().is_some() {
            return Err("must not have a fragment: it is never sent".to_owned());
        }
        self.egress.check(&url).map_err(|refused| refused.to_string())
    }

    fn longest(&self) -> Duration {
        self.egress.longest()
    }

    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), DeliveryRefusal> {
        let Ok(url) = Url::parse(delivery.url) else { return Err(refusal(DeliveryFailure::Broken, None)) };
        let (id, seconds, json) = (id(delivery.event), seconds(delivery.at), body(delivery.event));
        let signatures = delivery.secrets.iter().map(|secret| secret.sign(&id, seconds, &json));
        let signatures = signatures.collect::<Vec<_>>().join(" ");
        let headers = vec![
            ("webhook-id", id),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signatures),
        ];
        let answer = self.egress.post(Post { url, headers, json }).await;
        let answer = answer.map_err(|failure| refusal(failure_of(&failure), None))?;
        if (200..300).contains(&answer.status) {
            return Ok(());
        }
        let wait = answer.retry_after.and_then(|header| retry_after(&header, self.clock.now()));
        Err(refusal(DeliveryFailure::Status(answer.status), wait))
    }
}

fn refusal(failure: DeliveryFailure, retry_after: Option<Duration>) -> DeliveryRefusal {
    DeliveryRefusal { failure, retry_after }
}

fn failure_of(failure: &PostFailure) -> DeliveryFailure {
    match failure {
        PostFailure::ForbiddenAddress => DeliveryFailure::ForbiddenAddress,
        PostFailure::Other(Cause::Timeout) => DeliveryFailure::Timeout,
        PostFailure::Other(Cause::Connect(_)) => DeliveryFailure::NoConnection,
        PostFailure::Other(_) => DeliveryFailure::Broken,
    }
}
