//! A grace provider may answer one refresh token twice: its later answer holds.

use super::World;
use super::samples::{after, key};
use super::steps::adopted;
use crate::ports::{AdoptOutcome, ClaimOutcome};
use crate::{Attempt, AttemptPhase, Generation, Phase};

/// Two presentations of one refresh token, both sent and closed without an outcome.
async fn twice(world: &World) -> (Attempt, Attempt) {
    world.grant(&key("ada")).await;
    (world.lose(&key("ada"), 1).await, world.lose(&key("ada"), 1).await)
}

pub async fn the_later_of_two_answers_stands_whatever_their_order(world: World) {
    let (earlier, later) = twice(&world).await;
    assert_eq!(world.adopt_refresh(&earlier).await, adopted(2));
    assert_eq!(world.adopt_refresh(&later).await, AdoptOutcome::Moved(Generation::new(2)));
    assert_eq!(world.adopt_after(&later, 2).await, adopted(3));
    let claimed = world.claim(&key("ada"), 3).await;
    assert_eq!(claimed.refresh_token.as_bytes(), b"refresh 3");
    assert_eq!(world.adopt_refresh(&earlier).await, AdoptOutcome::AlreadyAdopted(Generation::new(2)));
    assert_eq!(world.adopt_after(&later, 3).await, AdoptOutcome::AlreadyAdopted(Generation::new(3)));
}

pub async fn the_earlier_answer_is_superseded_once_the_later_one_is_there(world: World) {
    let (earlier, later) = twice(&world).await;
    assert_eq!(world.adopt_refresh(&later).await, adopted(2));
    assert_eq!(world.adopt_refresh(&earlier).await, AdoptOutcome::Superseded);
    assert_eq!(world.adopt_after(&earlier, 2).await, AdoptOutcome::Superseded);
    assert_eq!(world.read(&key("ada")).await.generation, Generation::new(2));
}

pub async fn a_second_answer_is_superseded_once_its_successor_was_refreshed(world: World) {
    let (earlier, later) = twice(&world).await;
    world.adopt_refresh(&earlier).await;
    let next = world.claim(&key("ada"), 2).await.attempt;
    assert_eq!(world.adopt_refresh(&next).await, adopted(3));
    for base in 1..=3 {
        assert_eq!(world.adopt_after(&later, base).await, AdoptOutcome::Superseded);
    }
    assert_eq!(world.read(&key("ada")).await.generation, Generation::new(3));
}

pub async fn a_second_answer_of_a_replaced_lineage_is_superseded(world: World) {
    let (earlier, later) = twice(&world).await;
    world.adopt_refresh(&earlier).await;
    let present = world.reconsent(&key("ada")).await;
    assert_eq!(world.adopt_after(&later, 3).await, AdoptOutcome::Superseded);
    assert_eq!(world.read(&key("ada")).await, present);
}

pub async fn a_presentation_under_way_outlives_the_answer_to_an_earlier_one(world: World) {
    world.grant(&key("ada")).await;
    let earlier = world.lose(&key("ada"), 1).await;
    let under_way = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&under_way).await);
    assert_eq!(world.adopt_refresh(&earlier).await, adopted(2));
    assert_eq!(world.kept(&under_way).await.phase, AttemptPhase::Sent);
    let outcome = world.try_claim(&key("ada"), 2).await;
    assert!(matches!(outcome, ClaimOutcome::Busy(open) if open.id == under_way.id));
    assert_eq!(world.adopt_after(&under_way, 2).await, adopted(3));
}

pub async fn a_presentation_that_fails_leaves_the_answer_to_an_earlier_one_alone(world: World) {
    world.grant(&key("ada")).await;
    let earlier = world.lose(&key("ada"), 1).await;
    let under_way = world.claim(&key("ada"), 1).await.attempt;
    world.send(&under_way).await;
    world.adopt_refresh(&earlier).await;
    let present = world.read(&key("ada")).await;
    assert!(world.close(&under_way, Some(after(Phase::Suspect, true))).await);
    assert_eq!(world.read(&key("ada")).await, present);
    world.claim(&key("ada"), 2).await;
}
