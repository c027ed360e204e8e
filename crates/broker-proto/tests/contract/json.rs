use broker_proto::json::{JsonError, to_json};
use broker_proto::v1::{Grant, GrantKey, GrantState};
use serde_json::json;

#[test]
fn json_is_canonical() {
    let grant = Grant {
        key: Some(GrantKey { tenant_id: "acme".into(), ..Default::default() }),
        state: GrantState::NeedsConsent.into(),
        generation: 9_007_199_254_740_993,
        grant_expire_time: Some("2026-11-23T10:00:00Z".parse().unwrap()),
        ..Default::default()
    };
    let expected = json!({
        "key": { "tenantId": "acme" },
        "state": "GRANT_STATE_NEEDS_CONSENT",
        "generation": "9007199254740993",
        "grantExpireTime": "2026-11-23T10:00:00Z",
    });
    assert_eq!(to_json(&grant).unwrap(), expected);
}

#[test]
fn a_message_of_elsewhere_is_an_error() {
    let answer = to_json(&true);
    assert!(matches!(answer, Err(JsonError::UnknownMessage(_))));
}
