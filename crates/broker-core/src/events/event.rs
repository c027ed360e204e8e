//! One event.

use crate::{
    ConsentCause, Generation, GrantId, GrantKey, ProviderName, RegistrationId, TenantId, Timestamp, WebhookId,
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// A first consent or import, or the first after a revocation.
    GrantCreated,
    /// A token set was adopted.
    GrantRefreshed,
    /// The grant dies soon, and only a new consent helps.
    GrantExpiring,
    /// The user must consent again.
    GrantNeedsConsent,
    /// A grant that needed consent is active again.
    GrantRecovered,
    /// The time for which the user consented is over.
    GrantExpired,
    /// Revoked at the provider, secrets erased.
    GrantRevoked,
    /// The provider rejects the client id or secret.
    RegistrationRejected,
    /// It accepts them again.
    RegistrationRecovered,
    /// A breaker of the provider opened.
    ProviderDegraded,
    /// It closed.
    ProviderRecovered,
    /// A key rotation ended.
    KeyRotated,
    /// Deliveries to a webhook failed for too long.
    WebhookDisabled,
}

impl EventType {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 13] = [
        Self::GrantCreated,
        Self::GrantRefreshed,
        Self::GrantExpiring,
        Self::GrantNeedsConsent,
        Self::GrantRecovered,
        Self::GrantExpired,
        Self::GrantRevoked,
        Self::RegistrationRejected,
        Self::RegistrationRecovered,
        Self::ProviderDegraded,
        Self::ProviderRecovered,
        Self::KeyRotated,
        Self::WebhookDisabled,
    ];

    /// Its name in stores, webhooks and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GrantCreated => "grant.created",
            Self::GrantRefreshed => "grant.refreshed",
            Self::GrantExpiring => "grant.expiring",
            Self::GrantNeedsConsent => "grant.needs_consent",
            Self::GrantRecovered => "grant.recovered",
            Self::GrantExpired => "grant.expired",
            Self::GrantRevoked => "grant.revoked",
            Self::RegistrationRejected => "registration.rejected",
            Self::RegistrationRecovered => "registration.recovered",
            Self::ProviderDegraded => "provider.degraded",
            Self::ProviderRecovered => "provider.recovered",
            Self::KeyRotated => "key.rotated",
            Self::WebhookDisabled => "webhook.disabled",
        }
    }

    /// Their names with spaces between them, as stores keep several.
    pub fn names(types: &[Self]) -> String {
        let names: Vec<_> = types.iter().map(|kind| kind.as_str()).collect();
        names.join(" ")
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

/// The grant an event concerns, as it was after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventGrant {
    /// Its id.
    pub id: GrantId,
    /// Its key.
    pub key: GrantKey,
    /// Its generation.
    pub generation: Generation,
    /// Why a new consent is needed; only with [`EventType::GrantNeedsConsent`].
    pub cause: Option<ConsentCause>,
    /// When it dies; with [`EventType::GrantExpiring`] and [`EventType::GrantExpired`].
    pub dies_at: Option<Timestamp>,
}

/// Something that happened. Never carries a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log, from 1 on.
    pub sequence: u64,
    /// What happened.
    pub event_type: EventType,
    /// When.
    pub at: Timestamp,
    /// The tenant it concerns; `None` for what concerns every tenant.
    pub tenant: Option<TenantId>,
    /// The provider it concerns.
    pub provider: Option<ProviderName>,
    /// The grant it concerns.
    pub grant: Option<EventGrant>,
    /// The client registration it concerns.
    pub registration: Option<RegistrationId>,
    /// The key encryption key that keys are wrapped under from now on.
    pub key_id: Option<String>,
    /// The webhook it concerns.
    pub webhook: Option<WebhookId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name_of_its_own() {
        for known in EventType::ALL {
            assert_eq!(EventType::from_name(known.as_str()), Some(known));
        }
        assert_eq!(EventType::from_name("grant.lost"), None);
    }
}
