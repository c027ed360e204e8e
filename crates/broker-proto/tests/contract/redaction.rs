use std::collections::HashMap;
use std::fmt::Debug;

use broker_proto::v1::*;
use prost_reflect::{FieldDescriptor, Kind};

use crate::reflection::pool;

const SECRET: &str = "canary-secret";

/// Names that sound like a secret and are none.
const HARMLESS: &[&str] = &["page_token", "next_page_token", "token_type", "token_fingerprint"];

#[test]
fn debug_shows_no_secret() {
    for (name, text) in messages_with_a_secret() {
        assert!(!text.contains(SECRET), "{name}: {text}");
        assert!(text.contains("[redacted]"), "{name}: {text}");
    }
}

#[test]
fn debug_shows_the_rest() {
    let text = format!("{:?}", token());
    assert!(text.contains("Bearer") && text.contains("RotationUncertain") && text.contains('7'), "{text}");
}

#[test]
fn the_table_covers_every_marked_message() {
    let table: Vec<&str> = messages_with_a_secret().into_iter().map(|(name, _)| name).collect();
    let pool = pool();
    for message in pool.all_messages().filter(|message| message.fields().any(|field| is_marked(&field))) {
        assert!(table.contains(&message.name()), "add {} to the table", message.name());
    }
}

#[test]
fn what_sounds_like_a_secret_is_marked() {
    for message in pool().all_messages().filter(|message| message.package_name() == "tokenbroker.v1") {
        for field in message.fields().filter(sounds_secret) {
            assert!(is_marked(&field), "{} needs debug_redact = true", field.full_name());
        }
    }
}

#[test]
fn resources_for_operators_hold_no_secret() {
    let pool = pool();
    for name in [
        "Grant",
        "MachineCredential",
        "ClientRegistration",
        "ClientSecret",
        "Webhook",
        "Key",
        "AuditEvent",
        "Event",
    ] {
        let message = pool.get_message_by_name(&format!("tokenbroker.v1.{name}")).unwrap();
        for field in message.fields() {
            assert!(!sounds_secret(&field) && !is_marked(&field), "{}", field.full_name());
        }
    }
}

fn is_marked(field: &FieldDescriptor) -> bool {
    field.options().get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
}

fn sounds_secret(field: &FieldDescriptor) -> bool {
    let name = field.name();
    let carries_text = matches!(field.kind(), Kind::String | Kind::Bytes) || field.is_map();
    let sounds = ["password", "verifier", "callback_url", "api_key", "authorization_url", "headers"]
        .contains(&name)
        || name.contains("token")
        || name.ends_with("secret")
        || name == "code"
        || name.ends_with("_code");
    carries_text && sounds && !HARMLESS.contains(&name)
}

fn row(message: &impl Debug) -> (&'static str, String) {
    let text = format!("{message:?} {message:#?}");
    let name = std::any::type_name_of_val(message).rsplit("::").next().unwrap();
    (name, text)
}

fn token() -> GetAccessTokenResponse {
    GetAccessTokenResponse {
        access_token: SECRET.into(),
        token_type: "Bearer".into(),
        headers: HashMap::from([("authorization".into(), format!("Bearer {SECRET}"))]),
        generation: 7,
        served_stale_reason: ServedStaleReason::RotationUncertain.into(),
        ..Default::default()
    }
}

fn messages_with_a_secret() -> Vec<(&'static str, String)> {
    let result =
        BatchGetAccessTokensResult { result: Some(batch_get_access_tokens_result::Result::Token(token())) };
    let hosted = HostedCallback { completion_code: SECRET.into(), ..Default::default() };
    let callback_url = complete_authorization_request::Callback::CallbackUrl(SECRET.into());
    let hosted_callback = complete_authorization_request::Callback::HostedCallback(hosted.clone());
    let complete = |callback| CompleteAuthorizationRequest { callback: Some(callback), ..Default::default() };
    vec![
        row(&token()),
        row(&result),
        row(&BatchGetAccessTokensResponse { results: vec![result] }),
        row(&WatchAccessTokensResponse {
            update: Some(watch_access_tokens_response::Update::Token(token())),
            ..Default::default()
        }),
        row(&ReportRejectedTokenResponse { token: Some(token()), ..Default::default() }),
        row(&StartAuthorizationResponse { authorization_url: SECRET.into(), ..Default::default() }),
        row(&callback_url),
        row(&complete(callback_url)),
        row(&hosted),
        row(&complete(hosted_callback)),
        row(&StartDeviceAuthorizationResponse {
            user_code: SECRET.into(),
            verification_uri_complete: SECRET.into(),
            ..Default::default()
        }),
        row(&ImportGrantRequest { refresh_token: SECRET.into(), ..Default::default() }),
        row(&CreateClientRegistrationRequest { client_secret: SECRET.into(), ..Default::default() }),
        row(&AddClientSecretRequest { client_secret: SECRET.into(), ..Default::default() }),
        row(&ApiKey { id: SECRET.into(), secret: SECRET.into() }),
        row(&CreateWebhookResponse { signing_secret: SECRET.into(), ..Default::default() }),
        row(&RotateWebhookSecretResponse { signing_secret: SECRET.into(), ..Default::default() }),
    ]
}
