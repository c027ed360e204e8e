//! What the broker does by itself is on record: each change once, and nothing else.

use std::sync::Arc;

use super::World;
use super::keys::{kek, rotation, wrapped};
use super::samples::{HOUR, NOW, SECOND, after, key, provider, record, tenant_id};
use super::steps::adopted;
use crate::ports::{AdoptOutcome, KeyRotationNote, Lineage, PendingRevocation, ReplacedTokens};
use crate::{
    Actor, Attempt, AuditAction, AuditRecord, ConsentCause, Generation, GrantKey, KeyKind, KeyRotationState,
    Lifecycle, Phase, TenantId,
};

impl World {
    /// What the broker did by itself so far, in order.
    async fn broker_records(&self) -> Vec<AuditRecord> {
        let records = self.inbox.inbox_records().await;
        records.into_iter().filter(|record| record.principal.is_none()).collect()
    }

    async fn assert_recorded(&self, expected: &[AuditRecord]) {
        assert_eq!(self.broker_records().await, expected);
    }

    /// Refreshes a grant; the record of that.
    async fn rotate(&self, key: &GrantKey, generation: u64) -> AuditRecord {
        let attempt = self.claim(key, generation).await.attempt;
        assert_eq!(self.adopt_refresh(&attempt).await, adopted(generation + 1));
        of_attempt(AuditAction::ROTATE, &attempt, Some(generation + 1))
    }

    /// Makes a grant; the record of that.
    async fn consented(&self, key: &GrantKey) -> AuditRecord {
        let exchange = self.exchange(key).await;
        assert_eq!(self.adopt_new(&exchange, 0).await, adopted(1));
        of_attempt(AuditAction::CONSENT, &exchange.0, Some(1))
    }
}

fn of_tenant(action: AuditAction, resource: &str) -> AuditRecord {
    Actor::broker(action).did(Some(&tenant_id("acme")), NOW).resource(resource)
}

fn of_grant(action: AuditAction, key: &GrantKey, resource: &str) -> AuditRecord {
    Actor::broker(action).did(Some(&key.tenant), NOW).about(key).resource(resource)
}

fn of_attempt(action: AuditAction, attempt: &Attempt, generation: Option<u64>) -> AuditRecord {
    let record = of_grant(action, &attempt.key, &format!("attempts/{}", attempt.id));
    AuditRecord { generation: generation.map(Generation::new), ..record }
}

fn of_tokens(action: AuditAction, revocation: &PendingRevocation, ended: &str) -> AuditRecord {
    of_grant(action, &revocation.key, &format!("revocations/{}{ended}", revocation.id))
}

fn of_installation(action: AuditAction, resource: &str) -> AuditRecord {
    Actor::broker(action).did(None, NOW).resource(resource)
}

pub async fn a_consent_and_a_refresh_are_on_record_once(world: World) {
    world.assert_recorded(&[]).await;
    let exchange = world.exchange(&key("ada")).await;
    world.assert_recorded(&[]).await;
    assert_eq!(world.adopt_new(&exchange, 0).await, adopted(1));
    let consent = of_attempt(AuditAction::CONSENT, &exchange.0, Some(1));
    let refresh = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&refresh).await);
    world.assert_recorded(std::slice::from_ref(&consent)).await;
    assert_eq!(world.adopt_refresh(&refresh).await, adopted(2));
    // A journal is replayed.
    let already = AdoptOutcome::AlreadyAdopted;
    assert_eq!(world.adopt_refresh(&refresh).await, already(Generation::new(2)));
    assert_eq!(world.adopt_new(&exchange, 0).await, already(Generation::new(1)));
    world.assert_recorded(&[consent, of_attempt(AuditAction::ROTATE, &refresh, Some(2))]).await;
}

pub async fn of_many_adoptions_at_once_each_is_on_record(world: World) {
    let world = Arc::new(world);
    let mut running = tokio::task::JoinSet::new();
    for user in 0..40 {
        let world = world.clone();
        running.spawn(async move {
            let key = key(&format!("user-{user}"));
            [world.consented(&key).await, world.rotate(&key, 1).await]
        });
    }
    let sorted = |mut records: Vec<AuditRecord>| {
        records.sort_by_key(|record| (record.key.clone(), record.generation));
        records
    };
    let expected: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    assert_eq!(sorted(world.broker_records().await), sorted(expected));
}

pub async fn what_comes_to_nothing_is_not_on_record(world: World) {
    let mut expected = vec![world.consented(&key("ada")).await];
    let (failed, _) = world.exchange(&key("ada")).await;
    assert!(world.close(&failed, None).await);
    let refused = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.close(&refused, Some(after(Phase::Idle, false))).await);
    let lost = world.lose(&key("ada"), 1).await;

    let exchange = world.exchange(&key("ada")).await;
    assert_eq!(world.adopt_new(&exchange, 0).await, AdoptOutcome::Moved(Generation::new(1)));
    assert_eq!(world.adopt_new(&exchange, 1).await, adopted(2));
    expected.push(of_attempt(AuditAction::CONSENT, &exchange.0, Some(2)));
    assert_eq!(world.adopt_refresh(&lost).await, AdoptOutcome::Superseded);
    world.assert_recorded(&expected).await;
}

pub async fn a_grant_that_is_given_up_is_on_record_with_its_cause(world: World) {
    let mut expected = vec![world.consented(&key("ada")).await, world.consented(&key("bob")).await];
    let (lost, expired) = (Lifecycle::NeedsConsent(ConsentCause::LostRotation), Lifecycle::ConsentExpired);
    for (user, lifecycle) in [("ada", lost), ("bob", expired)] {
        let attempt = world.claim(&key(user), 1).await.attempt;
        let given_up = crate::ports::GrantAfter { lifecycle, due_at: None, ..after(Phase::Idle, false) };
        assert!(world.close(&attempt, Some(given_up.clone())).await);
        assert!(!world.close(&attempt, Some(given_up)).await);
        let late = of_attempt(AuditAction::ROTATE, &attempt, Some(2));
        expected.push(match lifecycle {
            Lifecycle::ConsentExpired => of_grant(AuditAction::EXPIRE, &key(user), ""),
            _ => of_grant(AuditAction::NEED_CONSENT, &key(user), "LOST_ROTATION"),
        });
        world.assert_recorded(&expected).await;
        assert_eq!(world.adopt_refresh(&attempt).await, adopted(2));
        expected.push(late);
    }
    world.assert_recorded(&expected).await;
}

pub async fn what_a_revoked_attempt_still_brought_is_on_record_once(world: World) {
    let mut expected = vec![world.consented(&key("ada")).await];
    let late = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&late).await && world.revoke(&key("ada")).await);
    for _ in 0..2 {
        assert_eq!(world.adopt_refresh(&late).await, AdoptOutcome::Revoking);
    }
    expected.push(of_attempt(AuditAction::REVOKE_ANSWER, &late, None));
    world.assert_recorded(&expected).await;
}

pub async fn a_grant_is_revoked_on_record_with_the_last_of_its_tokens(world: World) {
    let mut expected = vec![world.consented(&key("ada")).await];
    let late = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&late).await && world.revoke(&key("ada")).await);
    let held = world.take_one().await;
    assert_eq!(world.adopt_refresh(&late).await, AdoptOutcome::Revoking);
    let answer = world.take_one().await;
    assert!(!world.end(&held).await && world.end(&answer).await && !world.end(&answer).await);
    expected.push(of_attempt(AuditAction::REVOKE_ANSWER, &late, None));
    expected.push(of_tokens(AuditAction::REVOKE_TOKENS, &held, "/revoked"));
    expected.push(of_tokens(AuditAction::REVOKE, &answer, "/revoked"));
    world.assert_recorded(&expected).await;
}

pub async fn what_is_let_go_is_on_record(world: World) {
    let mut expected = vec![world.consented(&key("ada")).await];
    assert!(world.revoke(&key("ada")).await);
    let waiting = world.take_one().await;
    let exchange = world.exchange(&key("ada")).await;
    assert_eq!(world.replace(&exchange, ReplacedTokens::LetGo).await, adopted(2));
    assert!(!world.end(&waiting).await);
    expected.push(of_tokens(AuditAction::LET_GO, &waiting, ""));
    expected.push(of_attempt(AuditAction::CONSENT, &exchange.0, Some(2)));
    world.assert_recorded(&expected).await;
}

pub async fn a_registration_is_paused_and_recovers_on_record(world: World) {
    let mut expected = vec![world.consented(&key("ada")).await, world.consented(&key("bob")).await];
    let refused = world.claim(&key("ada"), 1).await.attempt;
    world.refuse_client(&refused, NOW + HOUR).await;
    let main = |action| of_tenant(action, "registrations/evercam/main").at_provider(&provider());
    expected.push(main(AuditAction::PAUSE_REGISTRATION));
    let canary = world.canary(&key("bob")).await.attempt;
    world.refuse_client(&canary, NOW + HOUR).await;
    world.assert_recorded(&expected).await;
    let canary = world.canary(&key("bob")).await.attempt;
    assert_eq!(world.adopt_refresh(&canary).await, adopted(2));
    expected.push(main(AuditAction::RECOVER_REGISTRATION));
    expected.push(of_attempt(AuditAction::ROTATE, &canary, Some(2)));
    expected.push(world.rotate(&key("ada"), 1).await);
    let refused = world.claim(&key("ada"), 2).await.attempt;
    world.refuse_client(&refused, NOW + HOUR).await;
    expected.push(main(AuditAction::PAUSE_REGISTRATION));
    world.assert_recorded(&expected).await;
}

pub async fn a_secret_is_refused_and_accepted_on_record(world: World) {
    let mut expected = vec![world.consented(&key("ada")).await];
    let main = |action| of_tenant(action, "registrations/evercam/main/secrets/1").at_provider(&provider());
    world.accept(1, NOW - SECOND).await;
    world.refuse("ada", 1, NOW, None).await;
    world.refuse("ada", 1, NOW, None).await;
    world.refuse("ada", 7, NOW, None).await;
    world.accept(1, NOW - SECOND).await;
    expected.push(main(AuditAction::REFUSE_SECRET));
    world.assert_recorded(&expected).await;
    world.accept(1, NOW).await;
    world.accept(1, NOW).await;
    expected.push(main(AuditAction::ACCEPT_SECRET));
    world.assert_recorded(&expected).await;
}

pub async fn keys_are_destroyed_on_record_once(world: World) {
    world.begin_deletion().await;
    world.assert_recorded(&[]).await;
    assert!(world.destroy_at(NOW).await && world.destroy_at(NOW).await);
    world.assert_recorded(&[of_tenant(AuditAction::DESTROY_KEYS, "")]).await;
}

pub async fn a_data_key_takes_over_on_record(world: World) {
    let new = wrapped(1, broker_crypto::KeyPurpose::Access, "k");
    assert!(world.add_key(&new, 1, NOW).await && !world.add_key(&new, 1, NOW).await);
    let after = wrapped(1, broker_crypto::KeyPurpose::Access, "another");
    assert!(world.keys.rewrap_data_key(&tenant_id("acme"), &new, &after).await.unwrap());
    world.assert_recorded(&[of_tenant(AuditAction::ADD_DATA_KEY, &format!("keys/{}", new.id))]).await;
}

pub async fn a_rotation_of_keys_ends_on_record(world: World) {
    let of_one_tenant =
        |n, tenant: Option<TenantId>| crate::KeyRotation { tenant, ..rotation(n, KeyKind::Dek, None) };
    let mut expected = Vec::new();
    for (n, tenant, state) in
        [(1, None, KeyRotationState::Failed), (2, Some(tenant_id("acme")), KeyRotationState::Succeeded)]
    {
        let rotation = of_one_tenant(n, tenant.clone());
        world.keys.start_key_rotation(&rotation, None, &record()).await.unwrap();
        world.keys.claim_key_rotation(world.owner, None, NOW, NOW).await.unwrap().unwrap();
        let note = KeyRotationNote { rotation: rotation.clone(), owner: world.owner, at: NOW };
        assert!(world.keys.note_key_rotation(&note).await.unwrap());
        world.assert_recorded(&expected).await;
        assert!(world.keys.end_key_rotation(&note, state).await.unwrap());
        assert!(!world.keys.end_key_rotation(&note, state).await.unwrap());
        let resource = format!("key_rotations/{}/{}", rotation.id, state.as_str());
        let ended = of_installation(AuditAction::ROTATE_KEYS, &resource);
        expected.push(AuditRecord { tenant, ..ended });
        world.assert_recorded(&expected).await;
    }
    let displaced = rotation(3, KeyKind::Kek, Some("kek-1"));
    for rotation in [displaced.clone(), rotation(4, KeyKind::Kek, Some("kek-2"))] {
        world.keys.start_key_rotation(&rotation, None, &record()).await.unwrap();
    }
    let resource = format!("key_rotations/{}/failed", displaced.id);
    expected.push(of_installation(AuditAction::ROTATE_KEYS, &resource));
    world.assert_recorded(&expected).await;
}

pub async fn a_primary_key_changes_on_record(world: World) {
    let mut expected = Vec::new();
    for name in ["old", "old", "new", "new", "old"] {
        world.keys.note_primary_keks(&[kek(name)], NOW).await.unwrap();
        let changed = of_installation(AuditAction::CHANGE_PRIMARY_KEK, &format!("keys/{name}"));
        if expected.last() != Some(&changed) {
            expected.push(changed);
        }
        world.assert_recorded(&expected).await;
    }
}

pub async fn a_breaker_opens_on_record(world: World) {
    for _ in 0..2 {
        world.fleet.note_bad_answer(&provider(), NOW).await.unwrap();
    }
    world.fleet.note_suspect_refreshed(&provider()).await.unwrap();
    let opened = of_installation(AuditAction::OPEN_BREAKER, "").at_provider(&provider());
    world.assert_recorded(&[opened]).await;
}

pub async fn a_change_that_is_refused_leaves_no_record(world: World) {
    let consent = world.consented(&key("ada")).await;
    let (attempt, authorization) = world.exchange(&key("ada")).await;
    let nowhere = Attempt { registration: crate::RegistrationId::new("nowhere").unwrap(), ..attempt.clone() };
    let lineage = Lineage::New { authorization, consented_at: NOW };
    let adoption = world.adoption_of(&nowhere, lineage, 1, true);
    assert!(world.grants.adopt(&adoption).await.is_err(), "its registration is not there");
    let misfit = Attempt { generation: Generation::new(7), ..attempt };
    let adoption = world.adoption_of(&misfit, lineage, 1, true);
    assert!(world.grants.adopt(&adoption).await.is_err(), "it is not the attempt that was kept");
    world.assert_recorded(&[consent]).await;
    assert_eq!(world.read(&key("ada")).await.generation, Generation::new(1));
}
