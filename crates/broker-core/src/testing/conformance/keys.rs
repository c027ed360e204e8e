//! Keys and their rotations.

use broker_crypto::{DekId, KekId, KeyPurpose, MOST_SEALS, WrappedDek, service_envelope};

use super::World;
use super::samples::{HOUR, NOW, SECOND, key, record, tenant_id};
use crate::ports::{DataKeyQuery, DestroyKeys, KeyRotationNote, REQUESTS_KEPT, RequestMark, RotationStart};
use crate::{
    KeyKind, KeyRotation, KeyRotationId, KeyRotationState, KeyRotationWalk, RequestId, Timestamp,
    WrappingKeys,
};

pub(super) fn kek(name: &str) -> KekId {
    KekId::new(name).unwrap()
}

pub(super) fn wrapped(n: u8, purpose: KeyPurpose, under: &str) -> WrappedDek {
    let envelope = service_envelope(&kek(under), &n.to_string());
    WrappedDek { id: DekId::from_bytes(&[n; 16]).unwrap(), purpose, envelope }
}

pub(super) fn rotation(n: u8, kind: KeyKind, target: Option<&str>) -> KeyRotation {
    KeyRotation {
        id: KeyRotationId::from_bytes([n; 16]),
        kind,
        tenant: None,
        target: target.map(|name| WrappingKeys::parse(name).unwrap()),
        state: KeyRotationState::Running,
        walk: KeyRotationWalk::First,
        after: None,
        done: 0,
        remaining: 7,
        failed: 0,
        created_at: NOW,
        ended_at: None,
    }
}

impl World {
    pub(super) async fn add_key(&self, key: &WrappedDek, by: u8, at: Timestamp) -> bool {
        let by = KeyRotationId::from_bytes([by; 16]);
        self.keys.add_data_key(&tenant_id("acme"), key, by, at).await.unwrap()
    }

    async fn start(&self, rotation: &KeyRotation) -> KeyRotation {
        match self.keys.start_key_rotation(rotation, None, &record()).await.unwrap() {
            RotationStart::Kept(kept) => kept,
            RotationStart::IdReused => panic!("no id was given"),
        }
    }

    async fn data_key(&self, n: u8) -> crate::ports::DataKey {
        self.keys.data_key(DekId::from_bytes(&[n; 16]).unwrap()).await.unwrap().unwrap()
    }
}

pub async fn a_new_data_key_takes_over_and_a_rotation_makes_one_of_each_purpose(world: World) {
    assert!(world.add_key(&wrapped(1, KeyPurpose::Access, "k"), 1, NOW).await);
    assert!(world.add_key(&wrapped(2, KeyPurpose::Rotation, "k"), 1, NOW).await);
    assert!(
        !world.add_key(&wrapped(3, KeyPurpose::Access, "k"), 1, NOW).await,
        "the rotation was taken up again"
    );
    assert!(world.add_key(&wrapped(4, KeyPurpose::Access, "k"), 2, NOW + SECOND).await);
    assert_eq!(world.data_key(1).await.superseded_at, Some(NOW + SECOND));
    assert_eq!(world.data_key(2).await.superseded_at, None);
    let tenant = world.tenants.tenant(&tenant_id("acme")).await.unwrap().unwrap();
    assert_eq!(tenant.keys.first().unwrap().id, world.data_key(4).await.id, "the newest comes first");
    let query = DataKeyQuery { tenant: Some(tenant.id), after: None, limit: 10 };
    let numbers =
        world.keys.data_keys(&query).await.unwrap().iter().map(|key| key.number).collect::<Vec<_>>();
    assert_eq!(numbers, [1, 2, 3]);
    let changed = world.keys.changed_keys(NOW + SECOND).await.unwrap();
    assert_eq!(changed.iter().map(|key| key.id).collect::<Vec<_>>(), [world.data_key(4).await.id]);
}

pub async fn no_data_key_is_made_for_a_tenant_that_is_deleted(world: World) {
    let acme = tenant_id("acme");
    assert!(world.add_key(&wrapped(1, KeyPurpose::Access, "k"), 1, NOW).await);
    assert!(world.deletions.begin_deletion(&acme, NOW, &record()).await.unwrap());
    assert!(!world.add_key(&wrapped(2, KeyPurpose::Access, "k"), 2, NOW).await);
    let ask = DestroyKeys { tenant: acme.clone(), at: NOW, settled_since: NOW, alive_since: NOW };
    assert!(world.deletions.destroy_keys(&ask).await.unwrap());
    assert!(!world.add_key(&wrapped(3, KeyPurpose::Access, "k"), 3, NOW).await);
    assert_eq!(world.keys.data_keys(&DataKeyQuery { limit: 10, ..Default::default() }).await.unwrap(), []);
    assert_eq!(world.keys.wrapped_under(&kek("k")).await.unwrap(), 0, "what is destroyed needs no key");
    assert_eq!(world.keys.changed_keys(NOW).await.unwrap(), []);
}

pub async fn a_data_key_is_retired_once_it_is_superseded_and_nothing_needs_it(world: World) {
    let acme = tenant_id("acme");
    world.grant(&key("ada")).await;
    let (old, new) = (wrapped(1, KeyPurpose::Access, "k"), wrapped(2, KeyPurpose::Access, "k"));
    world.add_key(&old, 1, NOW).await;
    let retire = async |at| world.keys.retire_data_key(&acme, old.id, at, &record()).await.unwrap();
    assert!(!retire(NOW).await, "it is primary");
    world.add_key(&new, 2, NOW).await;
    let row = world.sealed.sealed_under(&acme, "grant_secrets", None, 1).await.unwrap().remove(0).row;
    let read = world.sealed.sealed_row(&acme, "grant_secrets", &row).await.unwrap().unwrap();
    let under = |id: DekId| [&[1, 16], id.as_bytes().as_slice(), b"nonce and ciphertext, 28 bytes"].concat();
    let under_old = vec![under(old.id); read.values.len()];
    assert!(world.sealed.reseal(&acme, &read, &under_old).await.unwrap());
    assert!(!retire(NOW).await, "a token is sealed under it");
    let read = world.sealed.sealed_row(&acme, "grant_secrets", &row).await.unwrap().unwrap();
    assert!(world.sealed.reseal(&acme, &read, &vec![under(new.id); read.values.len()]).await.unwrap());
    assert!(!world.keys.retire_data_key(&tenant_id("globex"), old.id, NOW, &record()).await.unwrap());
    assert!(retire(NOW + HOUR).await && !retire(NOW + HOUR).await);
    let kept = world.data_key(1).await;
    assert_eq!((kept.envelope, kept.retired_at), (None, Some(NOW + HOUR)));
    let tenant = world.tenants.tenant(&acme).await.unwrap().unwrap();
    assert_eq!(tenant.keys.iter().map(|key| key.id).collect::<Vec<_>>(), [new.id]);
    assert!(
        world.keys.changed_keys(NOW + HOUR).await.unwrap().iter().any(|key| key.id == old.id && key.retired)
    );
}

pub async fn seals_are_counted_once_each_whoever_reserves_them(world: World) {
    let acme = tenant_id("acme");
    let first = wrapped(1, KeyPurpose::Access, "k");
    world.add_key(&first, 1, NOW).await;
    assert_eq!(world.data_key(1).await.sealed, 0);
    let reserve = |seals, up_to| world.keys.reserve_seals(&acme, first.id, seals, up_to);
    let (one, other, third) = tokio::join!(reserve(64, 1000), reserve(64, 1000), reserve(64, 1000));
    let mut counts = [one, other, third].map(|counted| counted.unwrap());
    counts.sort_unstable();
    assert_eq!(counts, [Some(64), Some(128), Some(192)]);
    assert_eq!(reserve(808, 1000).await.unwrap(), Some(1000), "up to the limit");
    assert_eq!(reserve(1, 1000).await.unwrap(), None, "and not beyond it");
    assert_eq!(reserve(MOST_SEALS - 1000, MOST_SEALS).await.unwrap(), Some(MOST_SEALS));
    assert_eq!(world.data_key(1).await.sealed, MOST_SEALS);
    let of_another = world.keys.reserve_seals(&tenant_id("globex"), first.id, 1, MOST_SEALS).await;
    assert_eq!(of_another.unwrap(), None);
}

pub async fn a_retired_key_seals_nothing_and_keeps_its_count(world: World) {
    let acme = tenant_id("acme");
    let old = wrapped(1, KeyPurpose::Access, "k");
    world.add_key(&old, 1, NOW).await;
    world.keys.reserve_seals(&acme, old.id, 64, MOST_SEALS).await.unwrap();
    world.add_key(&wrapped(2, KeyPurpose::Access, "k"), 2, NOW).await;
    assert_eq!(world.data_key(2).await.sealed, 0, "a new key has sealed nothing");
    let superseded = world.keys.reserve_seals(&acme, old.id, 64, MOST_SEALS).await.unwrap();
    assert_eq!(superseded, Some(128), "what is in flight seals under it still");
    assert!(world.keys.retire_data_key(&acme, old.id, NOW + HOUR, &record()).await.unwrap());
    assert_eq!(world.keys.reserve_seals(&acme, old.id, 64, MOST_SEALS).await.unwrap(), None);
    assert_eq!(world.data_key(1).await.sealed, 128);
}

pub async fn a_data_key_is_wrapped_anew_only_if_nobody_else_was_faster(world: World) {
    let (before, after) = (wrapped(1, KeyPurpose::Access, "old"), wrapped(1, KeyPurpose::Access, "new"));
    world.add_key(&before, 1, NOW).await;
    let rewrap = async || world.keys.rewrap_data_key(&tenant_id("acme"), &before, &after).await.unwrap();
    assert!(rewrap().await && !rewrap().await);
    assert_eq!(world.data_key(1).await.wrapping_key(), Some(kek("new")));
    assert_eq!(world.keys.wrapped_under(&kek("old")).await.unwrap(), 0);
    assert_eq!(world.keys.wrapped_under(&kek("new")).await.unwrap(), 1);
}

pub async fn a_key_encryption_key_is_retired_once_it_wraps_nothing(world: World) {
    let old = wrapped(1, KeyPurpose::Access, "old");
    world.keys.note_primary_keks(&[kek("old")], NOW).await.unwrap();
    world.keys.note_primary_keks(&[kek("old")], NOW + SECOND).await.unwrap();
    world.add_key(&old, 1, NOW).await;
    let retire = async || world.keys.retire_kek(&kek("old"), NOW + HOUR, &record()).await.unwrap();
    assert!(!retire().await, "it is primary");
    world.keys.note_primary_keks(&[kek("new")], NOW + SECOND).await.unwrap();
    assert!(!retire().await, "it wraps a key");
    let new = wrapped(1, KeyPurpose::Access, "new");
    assert!(world.keys.rewrap_data_key(&tenant_id("acme"), &old, &new).await.unwrap());
    assert!(retire().await && !retire().await);
    let known = world.keys.known_keks().await.unwrap();
    let facts: Vec<_> =
        known.iter().map(|kek| (kek.id.as_str(), kek.superseded_at, kek.retired_at)).collect();
    assert_eq!(facts, [("new", None, None), ("old", Some(NOW + SECOND), Some(NOW + HOUR))]);
}

pub async fn a_key_encryption_key_for_each_purpose_supersedes_the_one_for_both(world: World) {
    let note = async |names: &[&str], at| {
        let ids: Vec<_> = names.iter().map(|name| kek(name)).collect();
        world.keys.note_primary_keks(&ids, at).await.unwrap();
    };
    note(&["both"], NOW).await;
    note(&["both", "r"], NOW + SECOND).await;
    note(&["a", "r"], NOW + SECOND * 2).await;
    let known = world.keys.known_keks().await.unwrap();
    let facts: Vec<_> = known.iter().map(|kek| (kek.id.as_str(), kek.superseded_at)).collect();
    assert_eq!(facts, [("a", None), ("both", Some(NOW + SECOND * 2)), ("r", None)]);
    let rotation = rotation(1, KeyKind::Kek, Some("a+r"));
    assert_eq!(world.start(&rotation).await, rotation);
    let claim = async |primary: &str| {
        let primary = WrappingKeys::parse(primary).unwrap();
        world.keys.claim_key_rotation(world.owner, Some(&primary), NOW, NOW - SECOND).await.unwrap()
    };
    assert!(claim("a").await.is_none(), "this replica would wrap both purposes under one key");
    assert_eq!(claim("a+r").await, Some(rotation));
}

pub async fn a_rotation_is_one_replicas_until_it_falls_silent(world: World) {
    let asked = rotation(1, KeyKind::Dek, None);
    assert_eq!(world.start(&asked).await, asked);
    assert_eq!(world.start(&rotation(2, KeyKind::Dek, None)).await.id, asked.id);
    let (one, other) = (world.owner, world.incarnation());
    let claim = async |owner, at: Timestamp| {
        world
            .keys
            .claim_key_rotation(owner, None, at, at - SECOND * 8)
            .await
            .unwrap()
            .map(|claimed| claimed.id)
    };
    assert_eq!(claim(one, NOW).await, Some(asked.id));
    assert_eq!(claim(other, NOW + SECOND * 8).await, None);
    let walked = KeyRotation {
        walk: KeyRotationWalk::Last,
        after: Some(tenant_id("acme")),
        done: 5,
        remaining: 2,
        failed: 1,
        ..asked.clone()
    };
    let note = |owner, at| KeyRotationNote { rotation: walked.clone(), owner, at };
    assert!(world.keys.note_key_rotation(&note(one, NOW + SECOND)).await.unwrap());
    assert_eq!(world.keys.key_rotation(asked.id).await.unwrap(), Some(walked.clone()));
    assert_eq!(claim(other, NOW + SECOND * 10).await, Some(asked.id));
    assert!(!world.keys.note_key_rotation(&note(one, NOW + SECOND * 11)).await.unwrap());
    assert!(!world.keys.end_key_rotation(&note(one, NOW), KeyRotationState::Succeeded).await.unwrap());
    let end = note(other, NOW + SECOND * 12);
    assert!(world.keys.end_key_rotation(&end, KeyRotationState::Failed).await.unwrap());
    let ended = world.keys.key_rotations(None, 10).await.unwrap().remove(0);
    assert_eq!((ended.state, ended.ended_at), (KeyRotationState::Failed, Some(NOW + SECOND * 12)));
    assert_eq!(world.start(&rotation(3, KeyKind::Dek, None)).await.done, 0);
    let before = world.keys.key_rotations(Some(KeyRotationId::from_bytes([3; 16])), 10).await.unwrap();
    assert_eq!(before.iter().map(|rotation| rotation.id).collect::<Vec<_>>(), [asked.id]);
}

pub async fn a_rotation_to_another_target_ends_the_one_before(world: World) {
    let first = rotation(1, KeyKind::Kek, Some("kek-1"));
    world.start(&first).await;
    let claim = async |primary: &str| {
        let primary = WrappingKeys::parse(primary).unwrap();
        world.keys.claim_key_rotation(world.owner, Some(&primary), NOW, NOW - SECOND).await.unwrap()
    };
    assert!(claim("kek-2").await.is_none(), "this replica would wrap under another key");
    let second = rotation(2, KeyKind::Kek, Some("kek-2"));
    assert_eq!(world.start(&second).await.id, second.id);
    let ended = world.keys.key_rotation(first.id).await.unwrap().unwrap();
    assert_eq!(ended.state, KeyRotationState::Failed);
    assert_eq!(claim("kek-2").await.unwrap().id, second.id);
}

pub async fn a_repeated_request_answers_the_rotation_it_came_to_even_when_it_has_ended(world: World) {
    let id = RequestId::from_bytes([1; 16]);
    let mark = |parts: &[&str], at| RequestMark::new(id, "RotateKeys", parts, at);
    let start = async |n, mark| {
        world.keys.start_key_rotation(&rotation(n, KeyKind::Dek, None), Some(&mark), &record()).await.unwrap()
    };
    let first = rotation(1, KeyKind::Dek, None);
    assert_eq!(start(1, mark(&["dek", "*"], NOW)).await, RotationStart::Kept(first.clone()));
    assert_eq!(start(2, mark(&["dek", "*"], NOW)).await, RotationStart::Kept(first.clone()));
    assert_eq!(start(3, mark(&["kek", "*"], NOW)).await, RotationStart::IdReused);
    let claimed = world.keys.claim_key_rotation(world.owner, None, NOW, NOW - SECOND).await.unwrap();
    let end = KeyRotationNote { rotation: claimed.unwrap(), owner: world.owner, at: NOW + SECOND };
    assert!(world.keys.end_key_rotation(&end, KeyRotationState::Succeeded).await.unwrap());
    let RotationStart::Kept(again) = start(4, mark(&["dek", "*"], NOW + HOUR)).await else {
        panic!("it was the same request")
    };
    assert_eq!((again.id, again.state), (first.id, KeyRotationState::Succeeded));
    let other = RequestMark::new(RequestId::from_bytes([2; 16]), "RotateKeys", &["dek", "*"], NOW + HOUR);
    let fifth = rotation(5, KeyKind::Dek, None);
    assert_eq!(start(5, other).await, RotationStart::Kept(fifth.clone()));
    let late = mark(&["dek", "*"], NOW + REQUESTS_KEPT + SECOND * 2);
    assert_eq!(start(6, late).await, RotationStart::Kept(fifth), "after a day the id says nothing");
}
