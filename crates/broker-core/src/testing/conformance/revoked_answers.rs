//! Revoke wins: what was presented before a grant was revoked is revoked too, whenever its answer comes.

use super::World;
use super::samples::{NOW, SECOND, key};
use super::steps::adopted;
use crate::ports::{AdoptOutcome, Lineage};
use crate::{Attempt, AuthorizationStatus, Generation, Lifecycle};

/// A refresh that was sent before its grant was revoked.
async fn sent_and_revoked(world: &World) -> Attempt {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&attempt).await);
    assert!(world.revoke(&key("ada")).await);
    attempt
}

pub async fn an_answer_that_comes_while_its_grant_is_revoking_is_revoked_too(world: World) {
    let attempt = sent_and_revoked(&world).await;
    let held = world.take_one().await;
    assert_eq!(world.adopt_refresh(&attempt).await, AdoptOutcome::Revoking);
    assert!(world.grants.vendable(&key("ada")).await.unwrap().unwrap().access_token.is_none());
    let late = world.take_one().await;
    assert_eq!((late.access_token.as_bytes(), late.generation), (&b"access 2"[..], Generation::new(2)));
    assert_eq!(late.refresh_token.as_ref().unwrap().0.as_bytes(), b"refresh 2");
    assert!(!world.end(&held).await, "one is left");
    assert_eq!(world.read(&key("ada")).await.lifecycle, Lifecycle::Revoking);
    assert!(world.end(&late).await);
    assert_eq!(world.read(&key("ada")).await.lifecycle, Lifecycle::Revoked);
}

pub async fn an_answer_that_comes_after_the_end_makes_the_grant_revoking_again(world: World) {
    let attempt = sent_and_revoked(&world).await;
    assert!(world.end(&world.take_one().await).await);
    assert_eq!(world.adopt_refresh(&attempt).await, AdoptOutcome::Revoking);
    let grant = world.read(&key("ada")).await;
    assert_eq!((grant.lifecycle, grant.revocation), (Lifecycle::Revoking, None));
    assert!(world.end(&world.take_one().await).await);
}

pub async fn an_answer_to_a_revoked_grant_is_kept_once(world: World) {
    let attempt = sent_and_revoked(&world).await;
    world.end(&world.take_one().await).await;
    world.adopt_refresh(&attempt).await;
    world.end(&world.take_one().await).await;
    // A journal is replayed.
    assert_eq!(world.adopt_refresh(&attempt).await, AdoptOutcome::Revoking);
    assert_eq!(world.read(&key("ada")).await.lifecycle, Lifecycle::Revoked);
    assert!(world.take_at(NOW).await.is_empty());
}

pub async fn a_consent_that_began_before_the_revocation_is_revoked_too(world: World) {
    world.grant(&key("ada")).await;
    let exchange = world.exchange(&key("ada")).await;
    assert!(world.send(&exchange.0).await);
    world.revoke(&key("ada")).await;
    assert!(world.end(&world.take_one().await).await);
    assert_eq!(world.adopt_new(&exchange, 1).await, AdoptOutcome::Revoking);
    assert_eq!(world.status_of(exchange.1).await, AuthorizationStatus::Failed("revoked".into()));
    assert_eq!(world.read(&key("ada")).await.lifecycle, Lifecycle::Revoking);
    assert_eq!(world.take_one().await.access_token.as_bytes(), b"access 2");
}

pub async fn a_consent_that_began_after_it_makes_the_grant_active(world: World) {
    world.revoked_grant(&key("ada")).await;
    let exchange = world.exchange(&key("ada")).await;
    assert_eq!(world.adopt_new(&exchange, 1).await, adopted(2));
    let held = world.grants.vendable(&key("ada")).await.unwrap().unwrap();
    assert_eq!((held.grant.lifecycle, held.grant.revocation), (Lifecycle::Active, None));
    assert_eq!(held.access_token.unwrap().as_bytes(), b"access 2");
    assert!(world.revocations.revoked_since(NOW, 10).await.unwrap().is_empty());
    world.claim(&key("ada"), 2).await;
}

pub async fn a_second_call_reaches_a_consent_that_began_since_the_first(world: World) {
    world.revoked_grant(&key("ada")).await;
    let exchange = world.exchange(&key("ada")).await;
    assert!(world.send(&exchange.0).await);
    assert!(!world.revoke(&key("ada")).await, "it was revoked before");
    assert_eq!(world.adopt_new(&exchange, 1).await, AdoptOutcome::Revoking);
}

pub async fn a_lost_attempt_is_judged_by_the_clock(world: World) {
    world.revoked_grant(&key("ada")).await;
    let (kept, authorization) = world.exchange(&key("ada")).await;
    let lineage = Lineage::New { authorization, consented_at: NOW };
    let lost = |claimed_at| Attempt { id: world.attempt_id(), claimed_at, ..kept.clone() };
    let before = lost(NOW);
    assert_eq!(world.adopt(&before, lineage, 1, true).await, AdoptOutcome::Revoking);
    let after = lost(NOW + SECOND);
    assert_eq!(world.adopt(&after, lineage, 1, true).await, adopted(2));
}
