use broker_core::Timestamp;

use super::*;

fn create() -> v1::CreateAccessPolicyRequest {
    v1::CreateAccessPolicyRequest {
        principal: "spiffe://acme.example/*".into(),
        actions: vec![v1::AccessAction::Vend.into(), v1::AccessAction::Operate.into()],
        tenant_id: "acme".into(),
        provider: "*".into(),
        description: "nightly export".into(),
        max_scopes: vec!["live".into(), "cameras:read".into()],
        requests_per_second: Some(2.5),
        ..Default::default()
    }
}

fn fields_of<T>(read: Result<T, BrokerError>) -> Vec<String> {
    match read {
        Err(BrokerError::InvalidRequest(violations)) => violations.into_iter().map(|v| v.field).collect(),
        Err(other) => panic!("{other:?}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn a_policy_is_read_and_written_whole() {
    let new = new_policy(create()).unwrap();
    let at = Timestamp::from_unix_seconds(1_700_000_000);
    let created = AccessPolicy {
        id: PolicyId::from_bytes([7; 16]),
        rule: new.rule,
        description: new.description,
        origin: PolicyOrigin::Created(at),
    };
    let written = policy(&created);
    let given = create();
    assert_eq!(
        (written.principal, written.actions, written.tenant_id, written.provider, written.description),
        (given.principal, given.actions, given.tenant_id, given.provider, given.description)
    );
    assert_eq!(written.max_scopes, ["cameras:read", "live"]);
    assert_eq!((written.requests_per_second, written.configured), (Some(2.5), false));
    assert_eq!(written.create_time.unwrap().seconds, 1_700_000_000);
    let configured = policy(&AccessPolicy::configured(created.rule, String::new()));
    assert!(configured.configured && configured.create_time.is_none());
}

#[test]
fn every_bad_field_of_a_policy_is_named_at_once() {
    let bad = v1::CreateAccessPolicyRequest {
        principal: "a*".into(),
        actions: vec![],
        tenant_id: "ACME".into(),
        provider: String::new(),
        description: "d".repeat(257),
        request_id: "7".into(),
        max_scopes: vec!["ok".into(), "two words".into()],
        requests_per_second: Some(0.0),
    };
    let fields = [
        "principal",
        "actions",
        "tenant_id",
        "provider",
        "max_scopes[1]",
        "requests_per_second",
        "description",
        "request_id",
    ];
    assert_eq!(fields_of(new_policy(bad)), fields);
}

#[test]
fn actions_are_those_of_the_contract_each_once() {
    for actions in [vec![0], vec![6], vec![1, 1], vec![1, 99]] {
        let request = v1::CreateAccessPolicyRequest { actions, ..create() };
        assert_eq!(fields_of(new_policy(request.clone())), ["actions"], "{request:?}");
    }
    let all = v1::CreateAccessPolicyRequest { actions: (1..=5).collect(), ..create() };
    assert_eq!(new_policy(all).unwrap().rule.actions, ActionSet::all());
}

#[test]
fn a_list_names_its_tenant_and_a_place_in_it() {
    let list = v1::ListAccessPoliciesRequest { tenant_id: "*".into(), ..Default::default() };
    let read = filter(&list).unwrap();
    assert_eq!((read.tenant, read.limit, read.after), (Reach::All, 50, None));
    let bad = v1::ListAccessPoliciesRequest {
        principal: "a*".into(),
        page_size: -1,
        page_token: "?".into(),
        ..Default::default()
    };
    assert_eq!(fields_of(filter(&bad)), ["tenant_id", "principal", "page_size", "page_token"]);
}

#[test]
fn a_question_names_who_what_and_where() {
    let explain = v1::ExplainAccessRequest {
        principal: "jwt:ci".into(),
        action: v1::AccessAction::Vend.into(),
        key: Some(v1::GrantKey { tenant_id: "acme".into(), provider: "*".into(), ..Default::default() }),
        scopes: vec![],
    };
    let read = question(explain).unwrap();
    assert_eq!((read.provider, read.scopes), (Reach::All, None));
    let fields = ["principal", "action", "key.tenant_id", "key.provider"];
    assert_eq!(fields_of(question(v1::ExplainAccessRequest::default())), fields);
}
