//! Sending one event to one receiver.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use broker_crypto::WebhookSecret;

use crate::{DeliveryFailure, Event, Timestamp};

/// One attempt to deliver one event. `Debug` shows no secret.
pub struct Delivery<'a> {
    /// Where to.
    pub url: &'a str,
    /// What.
    pub event: &'a Event,
    /// What signs it: the secret there is, and while it still signs the one before.
    pub secrets: &'a [WebhookSecret],
    /// When: part of what is signed.
    pub at: Timestamp,
}

impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delivery(event {})", self.event.sequence)
    }
}

/// A delivery that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryRefusal {
    /// Why.
    pub failure: DeliveryFailure,
    /// How long the receiver asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl DeliveryRefusal {
    /// Whether the receiver says that it will never be back: 410 Gone.
    pub fn is_gone(&self) -> bool {
        self.failure == DeliveryFailure::Status(410)
    }
}

/// Sends events over HTTP, per Standard Webhooks.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// What is wrong with the URL of a receiver, if anything is. Looks at the text alone; addresses are looked at with each
    /// delivery.
    fn check_url(&self, url: &str) -> Result<(), String>;

    /// How long sending an event takes at most.
    fn longest(&self) -> Duration;

    /// Sends an event, once. `Ok`: the receiver has accepted it.
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), DeliveryRefusal>;
}
