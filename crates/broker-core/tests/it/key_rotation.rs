//! Rotations of keys while tokens are vended and rotated, and replicas that learn of them.

use broker_core::ports::SealedStore;
use broker_core::testing::conformance::actor;
use broker_core::{
    BrokerError, KeyCursor, KeyInfo, KeyKind, KeyLife, KeyQuery, KeyRotation, KeyRotationState, KeyUse,
    RequestId, TenantId,
};

use crate::fakes::Unrevoked;
use crate::world::{World, key, tenant};

async fn keys(world: &World, kind: KeyKind) -> Vec<KeyInfo> {
    let query = KeyQuery { tenant: None, kind: Some(kind), after: None, limit: 100 };
    world.broker.list_keys(&query).await.unwrap().keys
}

async fn ended(world: &World, rotation: &KeyRotation) -> KeyRotation {
    world.broker.key_rotation(rotation.id).await.unwrap()
}

/// Everything but what is primary protects nothing.
async fn nothing_left_under_old_keys(world: &World, kind: KeyKind) {
    for key in keys(world, kind).await {
        assert_eq!(key.use_count > 0, key.life == KeyLife::Primary, "{key:?}");
    }
}

#[tokio::test]
async fn data_keys_are_rotated_and_the_old_ones_retired_once_no_journal_needs_them() {
    let world = World::new().await;
    world.start().await;
    let old = keys(&world, KeyKind::Dek).await;
    let planned = world.broker.plan_key_rotation(KeyKind::Dek, None).await.unwrap();
    assert_eq!(planned.remaining, 5, "two tokens, a client secret, two verifiers");
    let rotation = world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), None, &actor()).await.unwrap();
    assert!(world.work_on_key_rotation().await);
    let done = ended(&world, &rotation).await;
    assert_eq!((done.state, done.done, done.failed, done.remaining), (KeyRotationState::Succeeded, 5, 0, 0));
    nothing_left_under_old_keys(&world, KeyKind::Dek).await;

    let too_early = world.broker.retire_key(&old[0].id, &actor()).await.unwrap_err();
    assert!(matches!(too_early, BrokerError::KeyInUse(KeyUse::InJournalsUntil(_))), "{too_early}");
    world.pass(24 * 3600 + 601);
    for key in &old {
        assert_eq!(world.broker.retire_key(&key.id, &actor()).await.unwrap().life, KeyLife::Retired);
    }
    world.consent().await.unwrap();
    assert_eq!(world.token().await, world.token().await);
}

#[tokio::test]
async fn a_key_that_is_used_is_not_retired() {
    let world = World::new().await;
    let old = keys(&world, KeyKind::Dek).await;
    let refused = world.broker.retire_key(&old[0].id, &actor()).await.unwrap_err();
    assert!(matches!(refused, BrokerError::KeyInUse(KeyUse::Primary)), "{refused}");
    world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    let worker = world.broker.clone();
    let working = tokio::spawn(async move { worker.work_on_key_rotation().await });
    while keys(&world, KeyKind::Dek).await.len() < 4 {
        world.pass(1);
        tokio::task::yield_now().await;
    }
    working.abort();
    world.pass(2 * 24 * 3600);
    let needed = world.broker.retire_key(&old[0].id, &actor()).await.unwrap_err();
    assert!(matches!(needed, BrokerError::KeyInUse(KeyUse::InStore(_))), "{needed}");
    let strange = world.broker.retire_key("nothing", &actor()).await.unwrap_err();
    assert!(matches!(strange, BrokerError::KeyNotFound), "{strange}");
}

#[tokio::test]
async fn a_rotation_goes_on_where_a_dead_replica_left_it_while_tokens_are_vended_and_rotated() {
    let mut world = World::new().await;
    let rotation = world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    for _ in 0..2 {
        let broker = world.broker.clone();
        let working = tokio::spawn(async move { broker.work_on_key_rotation().await });
        for _ in 0..30 {
            world.pass(1);
            tokio::task::yield_now().await;
            assert!(world.vend().await.is_ok());
        }
        working.abort();
        let _ = working.await;
        world.restart();
        world.broker.recover().await.unwrap();
        world.broker.hear_of_keys().await;
        world.pass(60);
        world.broker.refresh_grant(&key(), None).await.unwrap();
    }
    // Whoever fell silent is not waited for any longer.
    world.pass(60);
    let broker = world.broker.clone();
    let working = tokio::spawn(async move { broker.work_on_key_rotation().await });
    let mut vended = 0;
    while !working.is_finished() {
        world.pass(1);
        tokio::task::yield_now().await;
        assert!(world.vend().await.is_ok());
        vended += 1;
    }
    let done = ended(&world, &rotation).await;
    assert_eq!((done.state, done.failed), (KeyRotationState::Succeeded, 0), "{done:?}");
    assert!(vended > 3);
    nothing_left_under_old_keys(&world, KeyKind::Dek).await;
}

#[tokio::test]
async fn another_replica_opens_what_is_sealed_under_a_key_it_has_not_met() {
    let mut world = World::new().await;
    let other = world.broker.clone();
    // It has opened the tenant's keys, and not the grant.
    world.start().await;
    world.join_as(2);
    world.broker.recover().await.unwrap();
    world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    assert!(world.work_on_key_rotation().await);
    world.broker.refresh_grant(&key(), None).await.unwrap();
    let token = world.token().await;
    world.broker = other;
    assert_eq!(world.token().await, token);
}

#[tokio::test]
async fn a_replica_that_has_heard_of_a_new_key_seals_under_it() {
    let mut world = World::new().await;
    let other = world.broker.clone();
    other.hear_of_keys().await;
    world.join_as(2);
    world.broker.recover().await.unwrap();
    world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    assert!(world.work_on_key_rotation().await);
    other.hear_of_keys().await;
    world.broker = other;
    world.start().await;
    nothing_left_under_old_keys(&world, KeyKind::Dek).await;
}

#[tokio::test]
async fn data_keys_are_wrapped_anew_and_the_old_key_encryption_key_may_go() {
    let mut world = World::new().await;
    world.broker.hear_of_keys().await;
    world.add_kek("kek-2");
    world.restart();
    world.broker.recover().await.unwrap();
    world.broker.hear_of_keys().await;
    let refused = world.broker.retire_key("k", &actor()).await.unwrap_err();
    // Two data keys, and the key of the audit log, from which that of fingerprints is derived.
    assert!(matches!(refused, BrokerError::KeyInUse(KeyUse::InStore(3))), "{refused:?}");
    let rotation = world.broker.rotate_keys(KeyKind::Kek, None, None, &actor()).await.unwrap();
    assert!(world.work_on_key_rotation().await);
    let done = ended(&world, &rotation).await;
    assert_eq!((done.state, done.done), (KeyRotationState::Succeeded, 3));
    nothing_left_under_old_keys(&world, KeyKind::Kek).await;
    assert_eq!(world.broker.retire_key("k", &actor()).await.unwrap().life, KeyLife::Retired);
    world.keep_newest_kek_only();
    world.restart();
    world.broker.recover().await.unwrap();
    assert!(world.vend().await.is_ok());
    let primary = world.broker.retire_key("kek-2", &actor()).await.unwrap_err();
    assert!(matches!(primary, BrokerError::KeyInUse(KeyUse::Primary)), "{primary}");
}

#[tokio::test]
async fn a_value_that_does_not_open_is_left_counted_and_fails_the_rotation() {
    let world = World::new().await;
    let table = "client_secrets";
    let under = world.store().sealed_under(&tenant(), table, None, 10).await.unwrap();
    let row = world.store().sealed_row(&tenant(), table, &under[0].row).await.unwrap().unwrap();
    let mut damaged = row.values[0].envelope.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(world.store().reseal(&tenant(), &row, std::slice::from_ref(&damaged)).await.unwrap());
    let rotation = world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    assert!(world.work_on_key_rotation().await);
    let done = ended(&world, &rotation).await;
    assert_eq!((done.state, done.failed), (KeyRotationState::Failed, 1));
    let left = world.store().sealed_row(&tenant(), table, &under[0].row).await.unwrap().unwrap();
    assert_eq!(left.values[0].envelope, damaged);
}

#[tokio::test]
async fn tokens_that_wait_to_be_revoked_are_sealed_anew_and_then_revoked() {
    let world = World::new().await;
    world.provider.does_not_revoke(Some(Unrevoked::Unreachable));
    world.broker.revoke_grant(&key(), &actor()).await.unwrap();
    world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    assert!(world.work_on_key_rotation().await);
    nothing_left_under_old_keys(&world, KeyKind::Dek).await;
    world.provider.does_not_revoke(None);
    world.pass(60);
    world.broker.revoke_due().await.unwrap();
    world.settled().await;
    assert_eq!(world.provider.revoked(), ["rt-1"]);
}

#[tokio::test]
async fn a_tenant_that_is_deleted_is_passed_over_and_its_keys_are_in_nobodys_way() {
    let world = World::new().await;
    let other = TenantId::new("other").unwrap();
    world.broker.create_tenant(other.clone(), "Other".into(), None, &actor()).await.unwrap();
    world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), None, &actor()).await.unwrap();
    let all = world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    world.broker.delete_tenant(&tenant(), None, &actor()).await.unwrap();
    let refused = world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), None, &actor()).await.unwrap_err();
    assert!(matches!(refused, BrokerError::TenantNotFound), "{refused}");
    assert!(world.work_on_key_rotation().await && world.work_on_key_rotation().await);
    let done = ended(&world, &all).await;
    assert_eq!((done.state, done.failed, done.remaining), (KeyRotationState::Succeeded, 0, 0));
    let count_of = async |whose: &TenantId| {
        keys(&world, KeyKind::Dek).await.iter().filter(|key| key.tenant.as_ref() == Some(whose)).count()
    };
    assert_eq!((count_of(&tenant()).await, count_of(&other).await), (2, 4));

    world.broker.revoke_due().await.unwrap();
    world.settled().await;
    world.broker.go_on_deleting().await.unwrap();
    world.broker.hear_of_keys().await;
    assert_eq!((count_of(&tenant()).await, count_of(&other).await), (0, 4));
    assert_eq!(world.broker.plan_key_rotation(KeyKind::Dek, None).await.unwrap().remaining, 0);
}

#[tokio::test]
async fn who_asks_for_a_rotation_that_runs_is_answered_with_it() {
    let world = World::new().await;
    let first = world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    assert_eq!(world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap().id, first.id);
    let narrower = world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), None, &actor()).await.unwrap();
    assert_ne!(narrower.id, first.id);
    let listed = world.broker.key_rotations(None, 10).await.unwrap();
    assert_eq!(listed.len(), 2);
}

#[tokio::test]
async fn keys_are_listed_page_by_page() {
    let world = World::new().await;
    world.broker.hear_of_keys().await;
    let mut after: Option<KeyCursor> = None;
    let mut kinds = Vec::new();
    loop {
        let query = KeyQuery { tenant: None, kind: None, after, limit: 1 };
        let page = world.broker.list_keys(&query).await.unwrap();
        kinds.extend(page.keys.iter().map(|key| key.kind));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(kinds, [KeyKind::Kek, KeyKind::Dek, KeyKind::Dek]);
}

#[tokio::test]
async fn a_repeated_request_is_the_same_rotation_and_each_tenant_sees_its_own() {
    let world = World::new().await;
    let id = Some(RequestId::from_bytes([7; 16]));
    let first = world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), id, &actor()).await.unwrap();
    assert!(world.work_on_key_rotation().await);
    let again = world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), id, &actor()).await.unwrap();
    assert_eq!((again.id, again.state), (first.id, KeyRotationState::Succeeded));
    let other = world.broker.rotate_keys(KeyKind::Kek, Some(tenant()), id, &actor()).await.unwrap_err();
    assert!(matches!(&other, BrokerError::InvalidRequest(of) if of[0].field == "request_id"), "{other:?}");
    let anew = world.broker.rotate_keys(KeyKind::Dek, Some(tenant()), None, &actor()).await.unwrap();
    assert_ne!(anew.id, first.id);

    let globex = TenantId::new("globex").unwrap();
    assert_eq!(world.broker.key_rotation_of(&tenant(), first.id).await.unwrap().id, first.id);
    let of_another = world.broker.key_rotation_of(&globex, first.id).await.unwrap_err();
    assert!(matches!(of_another, BrokerError::KeyRotationNotFound), "{of_another}");
    let of_all = world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    let hidden = world.broker.key_rotation_of(&tenant(), of_all.id).await.unwrap_err();
    assert!(matches!(hidden, BrokerError::KeyRotationNotFound), "{hidden}");
}
