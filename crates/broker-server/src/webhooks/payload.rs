//! The body of a delivery: JSON with the names of the contract.

use broker_core::{ConsentCause, Event, Timestamp};
use serde::Serialize;

use crate::grpc::message::rfc3339;

/// What receivers read. A field that the event does not have is left out.
#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    sequence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs_consent_cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_expire_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<String>,
}

/// The id of the message: the same for every attempt, so that a receiver knows what it has had before.
pub(super) fn id(event: &Event) -> String {
    format!("evt_{}", event.sequence)
}

/// The time of an attempt, as it is signed: in seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_unix_micros().div_euclid(1_000_000)
}

/// The body. Never carries a token.
#[expect(clippy::expect_used, reason = "never fails: the fields are text, numbers, or absent")]
pub(super) fn body(event: &Event) -> Vec<u8> {
    let (r#type, timestamp) = (event.event_type.as_str(), rfc3339(event.at));
    serde_json::to_vec(&Payload { r#type, timestamp, data: data(event) }).expect("plain values")
}

fn data(event: &Event) -> Data<'_> {
    let grant = event.grant.as_ref();
    Data {
        sequence: event.sequence,
        tenant_id: event.tenant.as_ref().map(|tenant| tenant.as_str()),
        provider: event.provider.as_ref().map(|provider| provider.as_str()),
        user_id: grant.map(|grant| grant.key.user.as_str()),
        account: grant.map(|grant| grant.key.account.as_str()),
        grant_id: grant.map(|grant| grant.id.to_string()),
        generation: grant.map(|grant| grant.generation.get()),
        needs_consent_cause: grant.and_then(|grant| grant.cause).map(ConsentCause::as_str),
        grant_expire_time: grant.and_then(|grant| grant.dies_at).map(rfc3339),
        registration_id: event.registration.as_ref().map(|registration| registration.as_str()),
        key_id: event.key_id.as_deref(),
        webhook_id: event.webhook.as_ref().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use broker_core::{
        AccountLabel, EventGrant, EventType, Generation, GrantKey, ProviderName, RegistrationId, TenantId,
        UserId,
    };

    use super::*;

    fn event() -> Event {
        Event {
            sequence: 7,
            event_type: EventType::ProviderDegraded,
            at: Timestamp::from_unix_micros(1_700_000_000_500_000),
            tenant: None,
            provider: Some(ProviderName::new("evercam").unwrap()),
            grant: None,
            registration: None,
            key_id: None,
            webhook: None,
        }
    }

    #[test]
    fn what_an_event_does_not_have_is_left_out() {
        let body = String::from_utf8(body(&event())).unwrap();
        let time = r#""timestamp":"2023-11-14T22:13:20.5Z""#;
        let data = r#""data":{"sequence":7,"provider":"evercam"}"#;
        assert_eq!(body, format!(r#"{{"type":"provider.degraded",{time},{data}}}"#));
    }

    #[test]
    fn an_event_of_a_grant_names_it_as_the_contract_does() {
        let key = GrantKey {
            tenant: TenantId::new("acme").unwrap(),
            provider: ProviderName::new("evercam").unwrap(),
            user: UserId::new("ada \"x\"").unwrap(),
            account: AccountLabel::default_label(),
        };
        let grant = EventGrant {
            id: key.grant_id(),
            key: key.clone(),
            generation: Generation::new(3),
            cause: Some(ConsentCause::LostRotation),
            dies_at: Some(Timestamp::from_unix_seconds(1_700_000_000)),
        };
        let event = Event {
            event_type: EventType::GrantNeedsConsent,
            tenant: Some(key.tenant.clone()),
            grant: Some(grant),
            registration: Some(RegistrationId::new("main").unwrap()),
            ..event()
        };
        let body: serde_json::Value = serde_json::from_slice(&body(&event)).unwrap();
        assert_eq!(body["type"], "grant.needs_consent");
        let data = &body["data"];
        assert_eq!((&data["tenant_id"], &data["user_id"]), (&"acme".into(), &"ada \"x\"".into()));
        assert_eq!((&data["generation"], &data["account"]), (&3.into(), &"default".into()));
        assert_eq!(data["needs_consent_cause"], "LOST_ROTATION");
        assert_eq!(data["grant_expire_time"], "2023-11-14T22:13:20Z");
        assert_eq!(data["grant_id"], key.grant_id().to_string());
    }

    #[test]
    fn a_message_has_one_id_and_each_attempt_its_second() {
        assert_eq!(id(&event()), "evt_7");
        assert_eq!(seconds(event().at), 1_700_000_000);
    }
}
