//! Events, delivered to where tenants want them: one after the other, until each is accepted.

mod administer;
mod deliver;
mod due;
mod retry;
mod secrets;
mod webhook;

pub use administer::{NewWebhook, WebhookUpdate};
pub use webhook::{
    DeliveryFailure, LastDeliveryFailure, Webhook, WebhookProgress, WebhookStanding, WebhookState,
};
