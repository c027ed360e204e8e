//! Webhooks that have something to be sent: every replica asks, and the store gives each to one of them.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::WebhookKey;
use crate::{Broker, BrokerError};

/// Webhooks that one process delivers to at once.
const AT_ONCE: usize = 32;

impl Broker {
    /// Delivers what is due, every tick, until `stop`; what is being sent then is waited for.
    pub async fn run_webhooks(self: Arc<Self>, stop: CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        while !stop.is_cancelled() {
            match self.due_for_delivery(AT_ONCE - under_way.len()).await {
                Ok(due) => under_way.extend(due.into_iter().map(|key| self.deliver_or_warn(key, &stop))),
                Err(error) => tracing::warn!(error = chain(&error), "due webhooks could not be read"),
            }
            let next = self.clock.now() + self.timing.tick;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.clock.sleep_until(next) => {}
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
            }
        }
        while under_way.next().await.is_some() {}
    }

    /// Delivers to every webhook that is due now, and waits for that. Answers how many there were.
    pub async fn deliver_due(&self) -> Result<usize, BrokerError> {
        let (due, going_on) = (self.due_for_delivery(AT_ONCE).await?, CancellationToken::new());
        let count = due.len();
        let deliveries: FuturesUnordered<_> =
            due.into_iter().map(|key| self.deliver_or_warn(key, &going_on)).collect();
        deliveries.collect::<()>().await;
        Ok(count)
    }

    async fn due_for_delivery(&self, room: usize) -> Result<Vec<WebhookKey>, BrokerError> {
        // A copy of the store must not tell of what the original tells of (rule 16).
        if self.fleet.barred().is_some() || room == 0 {
            return Ok(Vec::new());
        }
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        Ok(self.webhooks.due_webhooks(self.clock.now(), room).await?)
    }

    async fn deliver_or_warn(&self, key: WebhookKey, stop: &CancellationToken) {
        if let Err(error) = self.deliver(&key, stop).await {
            // The store gives it to whoever asks once the hold is over. Where it could not even be taken, it is due at once.
            tracing::warn!(webhook = %key.id, error = chain(&error), "a delivery could not be made or noted");
            stop.run_until_cancelled(self.clock.sleep_until(self.clock.now() + self.timing.tick)).await;
        }
    }
}
