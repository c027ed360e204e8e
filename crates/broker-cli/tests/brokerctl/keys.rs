//! `keys`.

use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{
    GetKeyRotationResponse, Key, KeyKind, KeyRotation, KeyRotationState, KeyState, ListKeysResponse,
    RetireKeyResponse, RotateKeysResponse,
};

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

fn rotation(state: KeyRotationState, done: i64, remaining: i64, failed: i64) -> KeyRotation {
    KeyRotation {
        rotation_id: "r-1".into(),
        kind: KeyKind::Dek.into(),
        state: state.into(),
        done_count: done,
        remaining_count: remaining,
        failed_count: failed,
        ..Default::default()
    }
}

fn key(id: &str) -> Key {
    Key {
        key_id: id.into(),
        kind: KeyKind::Kek.into(),
        state: KeyState::Primary.into(),
        use_count: 7,
        ..Default::default()
    }
}

async fn will_rotate(broker: &FakeBroker, states: &[KeyRotation]) {
    let started = RotateKeysResponse { key_rotation: Some(states[0].clone()) };
    broker.scripts.rotate_keys.will_answer(Ok(started));
    for state in &states[1..] {
        let answer = GetKeyRotationResponse { key_rotation: Some(state.clone()) };
        broker.scripts.get_key_rotation.will_answer(Ok(answer));
    }
}

#[tokio::test]
async fn every_page_of_keys_is_listed() {
    let broker = FakeBroker::start().await;
    for (id, next) in [("kek-1", "more"), ("kek-2", "")] {
        let page = ListKeysResponse { keys: vec![key(id)], next_page_token: next.into() };
        broker.scripts.list_keys.will_answer(Ok(page));
    }
    let run = ctl(&broker, "keys list --kind kek").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("kek-1") && run.stdout.contains("kek-2") && run.stdout.contains("PRIMARY"));
    let requests = broker.scripts.list_keys.requests();
    assert_eq!((requests[0].tenant_id.as_str(), requests[1].page_token.as_str()), ("*", "more"));
}

#[tokio::test]
async fn a_rotation_is_waited_for_and_tells_how_far_it_is() {
    let broker = FakeBroker::start().await;
    let running = rotation(KeyRotationState::Running, 3, 4, 0);
    will_rotate(&broker, &[running.clone(), running, rotation(KeyRotationState::Succeeded, 7, 0, 0)]).await;
    let run = ctl(&broker, "keys rotate dek --all --wait").await;
    assert_eq!((run.code, run.fact("done")), (0, "7"), "{run:?}");
    assert_eq!(run.stderr, "3 done, 4 left\n", "the same is told once");
    assert_eq!(broker.scripts.rotate_keys.requests()[0].scope, Some(Scope::All(true)));
}

#[tokio::test]
async fn a_tenants_rotation_is_polled_as_that_tenants() {
    let broker = FakeBroker::start().await;
    let of_acme = |state| KeyRotation { tenant_id: "acme".into(), ..rotation(state, 1, 0, 0) };
    will_rotate(&broker, &[of_acme(KeyRotationState::Running), of_acme(KeyRotationState::Succeeded)]).await;
    let run = ctl(&broker, "--tenant acme keys rotate dek --wait").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(broker.scripts.get_key_rotation.requests()[0].tenant_id, "acme");
}

#[tokio::test]
async fn a_rotation_that_left_values_fails_the_command() {
    let broker = FakeBroker::start().await;
    will_rotate(&broker, &[rotation(KeyRotationState::Failed, 7, 0, 2)]).await;
    let run = ctl(&broker, "--tenant acme keys rotate kek --wait").await;
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("2 values or keys do not open"), "{run:?}");
}

#[tokio::test]
async fn a_dry_run_is_asked_for_as_such() {
    let broker = FakeBroker::start().await;
    let counted = KeyRotation { rotation_id: String::new(), ..rotation(KeyRotationState::Running, 0, 9, 0) };
    will_rotate(&broker, &[counted]).await;
    let run = ctl(&broker, "--tenant acme -o json keys rotate dek --dry-run").await;
    assert_eq!(run.json()["keyRotation"]["remainingCount"], "9");
    assert!(broker.scripts.rotate_keys.requests()[0].dry_run);
}

#[tokio::test]
async fn a_rotation_needs_one_scope() {
    let broker = FakeBroker::start().await;
    for line in ["keys rotate dek", "--tenant acme keys rotate dek --all"] {
        assert_eq!(ctl(&broker, line).await.code, 2, "{line}");
    }
}

#[tokio::test]
async fn a_key_is_retired_by_its_id() {
    let broker = FakeBroker::start().await;
    let retired = Key { state: KeyState::Retired.into(), use_count: 0, ..key("kek-1") };
    broker.scripts.retire_key.will_answer(Ok(RetireKeyResponse { key: Some(retired) }));
    let run = ctl(&broker, "keys retire kek-1").await;
    assert!(run.code == 0 && run.stdout.contains("RETIRED"), "{run:?}");
    assert_eq!(broker.scripts.retire_key.requests()[0].key_id, "kek-1");
}
