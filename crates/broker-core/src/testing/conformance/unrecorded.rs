//! A change stands or falls with its record.

use super::keys::{kek, rotation, wrapped};
use super::samples::{HOUR, NOW, after, key, provider, tenant_id};
use super::{DurableStore, World};
use crate::ports::{AttemptEnd, GrantAfter, KeyRotationNote};
use crate::{
    AttemptPhase, ConsentCause, Generation, KeyKind, KeyRotationState, Lifecycle, Phase, RevocationOutcome,
    SecretId,
};

/// Every change of its own that a store makes fails where its record cannot be written, and leaves everything as it was.
pub async fn nothing_changes_without_its_record<S: DurableStore>() {
    let store = S::fresh().await;
    let world = World::of(&store).await;
    for user in ["ada", "bob", "cy"] {
        world.grant(&key(user)).await;
    }
    let refresh = world.claim(&key("ada"), 1).await.attempt;
    let exchange = world.exchange(&key("dan")).await;
    let given_up = world.claim(&key("bob"), 1).await.attempt;
    assert!(world.revoke(&key("cy")).await);
    let revocation = world.take_one().await;
    let of_keys = rotation(1, KeyKind::Dek, None);
    world.keys.start_key_rotation(&of_keys).await.unwrap();
    world.keys.claim_key_rotation(world.owner, None, NOW, NOW).await.unwrap().unwrap();
    let note = KeyRotationNote { rotation: of_keys.clone(), owner: world.owner, at: NOW };
    store.refuse_records().await;

    let adoption = world.adoption_of(&refresh, crate::ports::Lineage::Present, 1, true);
    assert!(world.grants.adopt(&adoption).await.is_err());
    let lineage = crate::ports::Lineage::New { authorization: exchange.1, consented_at: NOW };
    assert!(world.grants.adopt(&world.adoption_of(&exchange.0, lineage, 0, true)).await.is_err());
    let lifecycle = Lifecycle::NeedsConsent(ConsentCause::Revoked);
    let end = AttemptEnd {
        grant: Some(GrantAfter { lifecycle, ..after(Phase::Idle, false) }),
        ..AttemptEnd::without_grant(&given_up, NOW)
    };
    assert!(world.grants.close_attempt(&end).await.is_err());
    let end = AttemptEnd {
        pause_registration_until: Some(NOW + HOUR),
        refused_secret: SecretId::new(1),
        ..AttemptEnd::without_grant(&given_up, NOW)
    };
    assert!(world.grants.close_attempt(&end).await.is_err());
    assert!(world.revocations.end_revocation(&revocation, RevocationOutcome::Revoked, NOW).await.is_err());
    assert!(world.keys.end_key_rotation(&note, KeyRotationState::Succeeded).await.is_err());
    assert!(world.keys.note_primary_kek(&kek("new"), NOW).await.is_err());
    let new = wrapped(1, broker_crypto::KeyPurpose::Access, "k");
    let by = crate::KeyRotationId::from_bytes([1; 16]);
    assert!(world.keys.add_data_key(&tenant_id("acme"), &new, by, NOW).await.is_err());
    assert!(world.fleet.note_bad_answer(&provider(), NOW).await.is_err());

    let ada = world.read(&key("ada")).await;
    assert_eq!((ada.generation, world.kept(&refresh).await.phase), (Generation::new(1), refresh.phase));
    assert!(world.grants.vendable(&key("dan")).await.unwrap().is_none());
    assert_eq!(world.read(&key("bob")).await.lifecycle, Lifecycle::Active);
    assert_ne!(world.kept(&given_up).await.phase, AttemptPhase::Closed);
    let main = world.registered("main").await.unwrap();
    assert!(!main.rejected && main.secrets[0].refused_at.is_none());
    assert_eq!(world.read(&key("cy")).await.lifecycle, Lifecycle::Revoking);
    assert!(world.revocations.is_pending(&revocation.key.tenant, revocation.id).await.unwrap());
    let kept = world.keys.key_rotation(of_keys.id).await.unwrap().unwrap();
    assert_eq!(kept.state, KeyRotationState::Running);
    assert!(world.keys.known_keks().await.unwrap().is_empty());
    assert!(world.keys.data_key(new.id).await.unwrap().is_none());
    assert!(world.fleet.open_breakers().await.unwrap().is_empty());
}
