//! One webhook.

use broker_crypto::Place;

use crate::{EventType, RowVersion, TenantId, Timestamp, WebhookId};

/// Whether deliveries go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookState {
    /// Events are sent.
    Enabled,
    /// Switched off by an operator.
    Disabled,
    /// Switched off because deliveries failed for too long.
    Failed,
}

impl WebhookState {
    const ALL: [Self; 3] = [Self::Enabled, Self::Disabled, Self::Failed];

    /// Its name in stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Where events of a tenant are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose events are sent, with those that concern every tenant.
    pub tenant: TenantId,
    /// Where they are sent.
    pub url: String,
    /// What is sent; empty for everything.
    pub types: Vec<EventType>,
    /// For people.
    pub description: String,
    /// Whether deliveries go on.
    pub state: WebhookState,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The version of what operators change.
    pub version: RowVersion,
}

impl Webhook {
    /// How records name it.
    pub fn resource(id: WebhookId) -> String {
        format!("webhooks/{id}")
    }

    /// The owner part of the places of its secrets.
    pub fn owner(id: WebhookId) -> String {
        id.to_string()
    }

    /// The place of one of its secrets.
    pub(crate) fn place<'a>(tenant: &'a TenantId, owner: &'a str, number: u32) -> Place<'a> {
        Place { tenant: tenant.as_str(), owner, generation: u64::from(number) }
    }
}

/// Why a delivery was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryFailure {
    /// The receiver answered with this HTTP status. Redirects are not followed.
    Status(u16),
    /// It did not answer in time.
    Timeout,
    /// DNS, TCP or TLS failed.
    NoConnection,
    /// Its name stands for an address that nothing is sent to.
    ForbiddenAddress,
    /// The connection broke, or what came was no HTTP.
    Broken,
}

impl DeliveryFailure {
    /// Its name in stores, and its HTTP status where there is one.
    pub fn to_parts(self) -> (&'static str, Option<u16>) {
        match self {
            Self::Status(status) => ("status", Some(status)),
            Self::Timeout => ("timeout", None),
            Self::NoConnection => ("no_connection", None),
            Self::ForbiddenAddress => ("forbidden_address", None),
            Self::Broken => ("broken", None),
        }
    }

    /// The failure of these parts.
    pub fn from_parts(name: &str, status: Option<u16>) -> Option<Self> {
        let all = [Self::Timeout, Self::NoConnection, Self::ForbiddenAddress, Self::Broken];
        let with_status = status.map(Self::Status);
        all.into_iter().chain(with_status).find(|failure| failure.to_parts() == (name, status))
    }
}

/// The last delivery that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastDeliveryFailure {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub failure: DeliveryFailure,
}

/// How far deliveries have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookProgress {
    /// Every event up to this place is accepted, or was not to be sent.
    pub delivered_through: u64,
    /// How many wait.
    pub pending: u64,
    /// When one was last accepted.
    pub last_success_at: Option<Timestamp>,
    /// The last that was not.
    pub last_failure: Option<LastDeliveryFailure>,
    /// When the secret that was replaced stops signing.
    pub old_secret_until: Option<Timestamp>,
}

/// A webhook and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookStanding {
    /// The webhook.
    pub webhook: Webhook,
    /// How far deliveries have come.
    pub progress: WebhookProgress,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_read_back_from_their_parts() {
        for failure in [
            DeliveryFailure::Status(503),
            DeliveryFailure::Timeout,
            DeliveryFailure::NoConnection,
            DeliveryFailure::ForbiddenAddress,
            DeliveryFailure::Broken,
        ] {
            let (name, status) = failure.to_parts();
            assert_eq!(DeliveryFailure::from_parts(name, status), Some(failure));
        }
        assert_eq!(DeliveryFailure::from_parts("timeout", Some(503)), None);
        assert_eq!(DeliveryFailure::from_parts("status", None), None);
    }
}
