//! Events as Standard Webhooks has them: their body, and how they are sent.

mod payload;
mod sender;

pub(crate) use sender::StandardWebhooks;
