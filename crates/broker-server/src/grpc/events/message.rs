//! Events as messages.

use broker_core::{Event, EventType};
use broker_proto::v1;

use crate::grpc::message::{grant_key, needs_consent_cause, timestamp};

/// The type of that number.
pub(super) fn event_type(number: i32) -> Option<EventType> {
    let wanted = v1::EventType::try_from(number).ok()?;
    EventType::ALL.into_iter().find(|known| event_type_message(*known) == wanted)
}

pub(in crate::grpc) fn event_type_message(known: EventType) -> v1::EventType {
    match known {
        EventType::GrantCreated => v1::EventType::GrantCreated,
        EventType::GrantRefreshed => v1::EventType::GrantRefreshed,
        EventType::GrantExpiring => v1::EventType::GrantExpiring,
        EventType::GrantNeedsConsent => v1::EventType::GrantNeedsConsent,
        EventType::GrantRecovered => v1::EventType::GrantRecovered,
        EventType::GrantExpired => v1::EventType::GrantExpired,
        EventType::GrantRevoked => v1::EventType::GrantRevoked,
        EventType::RegistrationRejected => v1::EventType::RegistrationRejected,
        EventType::RegistrationRecovered => v1::EventType::RegistrationRecovered,
        EventType::ProviderDegraded => v1::EventType::ProviderDegraded,
        EventType::ProviderRecovered => v1::EventType::ProviderRecovered,
        EventType::KeyRotated => v1::EventType::KeyRotated,
        EventType::WebhookDisabled => v1::EventType::WebhookDisabled,
    }
}

pub(super) fn event(event: &Event) -> v1::Event {
    let grant = event.grant.as_ref();
    let cause = grant.and_then(|grant| grant.cause).map(needs_consent_cause);
    v1::Event {
        sequence: event.sequence,
        r#type: event_type_message(event.event_type).into(),
        time: Some(timestamp(event.at)),
        tenant_id: event.tenant.as_ref().map(ToString::to_string).unwrap_or_default(),
        provider: event.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
        key: grant.map(|grant| grant_key(&grant.key)),
        grant_id: grant.map(|grant| grant.id.to_string()).unwrap_or_default(),
        generation: grant.map_or(0, |grant| grant.generation.get()),
        needs_consent_cause: cause.unwrap_or_default().into(),
        grant_expire_time: grant.and_then(|grant| grant.dies_at).map(timestamp),
        registration_id: event.registration.as_ref().map(ToString::to_string).unwrap_or_default(),
        key_id: event.key_id.clone().unwrap_or_default(),
        webhook_id: event.webhook.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_contract_is_known() {
        for number in 1..=13 {
            assert!(event_type(number).is_some(), "{number}");
        }
        assert_eq!((event_type(0), event_type(14)), (None, None));
    }

    /// The names that webhooks use are those of the contract, in another spelling.
    #[test]
    fn names_are_those_of_the_contract() {
        for known in EventType::ALL {
            let spelled = known.as_str().replace('.', "_").to_uppercase();
            assert_eq!(event_type_message(known).as_str_name(), format!("EVENT_TYPE_{spelled}"));
        }
    }
}
