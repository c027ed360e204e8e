//! Answers whose attempts a failover has lost: the escrow still has them, the store does not.

use super::World;
use super::samples::{HOUR, NOW, key, registration_id};
use super::steps::adopted;
use crate::ports::{AdoptOutcome, Lineage};
use crate::{
    Attempt, AttemptKind, AttemptPhase, Authorization, AuthorizationId, AuthorizationStatus, Generation,
    Grant,
};

/// A sent refresh of the grant that the store has never seen.
fn lost_refresh(world: &World, grant: &Grant) -> Attempt {
    Attempt {
        id: world.attempt_id(),
        kind: AttemptKind::Refresh,
        key: grant.key.clone(),
        registration: grant.registration.clone(),
        lineage: grant.lineage,
        generation: grant.generation,
        presentation_no: 1,
        owner: world.owner,
        claimed_at: NOW,
        sent_at: Some(NOW),
        phase: AttemptPhase::Sent,
    }
}

/// The exchange of an authorization's code, of which the store knows nothing.
fn lost_exchange(world: &World, authorization: &Authorization) -> (Attempt, AuthorizationId) {
    let attempt = Attempt {
        id: world.attempt_id(),
        kind: AttemptKind::CodeExchange(authorization.id),
        key: authorization.key.clone(),
        registration: authorization.registration.clone(),
        lineage: authorization.lineage,
        generation: Generation::NONE,
        presentation_no: 1,
        owner: world.owner,
        claimed_at: NOW,
        sent_at: Some(NOW),
        phase: AttemptPhase::Sent,
    };
    (attempt, authorization.id)
}

pub async fn an_answer_is_adopted_and_its_attempt_kept_again(world: World) {
    let grant = world.grant(&key("ada")).await;
    let lost = lost_refresh(&world, &grant);
    assert_eq!(world.adopt_refresh(&lost).await, adopted(2));
    assert_eq!(world.kept(&lost).await, Attempt { phase: AttemptPhase::Closed, ..lost.clone() });
    assert_eq!(world.adopt_refresh(&lost).await, AdoptOutcome::AlreadyAdopted(Generation::new(2)));
    assert!(!world.close(&lost, None).await, "it was closed by adopting");
}

pub async fn an_attempt_is_kept_again_although_its_number_was_given_away(world: World) {
    let grant = world.grant(&key("ada")).await;
    let lost = lost_refresh(&world, &grant);
    let claimed_since = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!(claimed_since.presentation_no, lost.presentation_no);
    assert_eq!(world.adopt_refresh(&lost).await, adopted(2));
    assert_eq!(world.kept(&lost).await.id, lost.id);
    assert_eq!(world.kept(&claimed_since).await.phase, AttemptPhase::Closed, "its token has a successor");
}

pub async fn a_lost_answer_of_a_passed_generation_is_superseded(world: World) {
    let grant = world.grant(&key("ada")).await;
    let lost = lost_refresh(&world, &grant);
    let since = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&since).await;
    assert_eq!(world.adopt_refresh(&lost).await, AdoptOutcome::Superseded);
    assert_eq!(world.read(&key("ada")).await.generation, Generation::new(2));
}

pub async fn an_answer_revives_a_grant_whose_last_generations_are_lost(world: World) {
    let grant = world.grant(&key("ada")).await;
    let third = Attempt { generation: Generation::new(3), ..lost_refresh(&world, &grant) };
    assert_eq!(world.adopt_after(&third, 3).await, adopted(4));
    assert_eq!(world.claim(&key("ada"), 4).await.refresh_token.as_bytes(), b"refresh 4");
}

pub async fn a_first_consent_makes_its_grant(world: World) {
    let started = world.authorization(&key("ada")).await;
    assert_eq!(world.adopt_new(&lost_exchange(&world, &started), 0).await, adopted(1));
    assert_eq!(world.status_of(started.id).await, AuthorizationStatus::Completed);

    let lost_too = world.request(&key("bob"), registration_id());
    assert_eq!(world.adopt_new(&lost_exchange(&world, &lost_too), 0).await, adopted(1));
    world.claim(&key("bob"), 1).await;
}

pub async fn of_two_consents_the_later_one_stands(world: World) {
    let present = world.grant(&key("ada")).await;
    let lost = |claimed_at| {
        let (attempt, authorization) = lost_exchange(&world, &world.request(&key("ada"), registration_id()));
        (Attempt { claimed_at, ..attempt }, authorization)
    };
    let (attempt, authorization) = lost(NOW - HOUR);
    let consent = Lineage::New { authorization, consented_at: NOW - HOUR };
    assert_eq!(world.adopt(&attempt, consent, 1, true).await, AdoptOutcome::Superseded);
    assert_eq!(world.read(&key("ada")).await, present);
    assert_eq!(world.adopt_new(&lost(NOW + HOUR), 1).await, adopted(2));
}
