//! Requests that share a statement get each its own answer.

use std::sync::Arc;

use broker_core::Generation;
use broker_core::ports::{AdoptOutcome, Adoption, ClaimOutcome, GrantStore, Lineage};
use broker_core::testing::conformance::{NOW, StoreUnderTest, World, key, tokens};
use tokio::task::JoinSet;

use crate::stores::InPostgres;

/// More than one batch.
const MANY: usize = 300;

fn user(number: usize) -> String {
    format!("user-{number:03}")
}

async fn world_of_many(postgres: &InPostgres) -> Arc<World> {
    let world = World::of(postgres).await;
    for number in 0..MANY {
        world.grant(&key(&user(number))).await;
    }
    Arc::new(world)
}

async fn rotate(world: &World, user: &str) {
    let attempt = world.claim(&key(user), 1).await.attempt;
    assert!(world.send(&attempt).await);
    let adoption = Adoption {
        attempt,
        lineage: Lineage::Present,
        base: Generation::new(1),
        tokens: tokens(2, true),
        at: NOW,
        replaced: broker_core::ports::ReplacedTokens::LetGo,
        overruns_window: false,
        origin: Default::default(),
    };
    let outcome = world.grants.adopt(&adoption).await.unwrap();
    assert_eq!(outcome, AdoptOutcome::Adopted(Generation::new(2)));
    let grant = world.read(&key(user)).await;
    assert_eq!((grant.id, grant.generation.get()), (key(user).grant_id(), 2));
}

#[tokio::test]
async fn many_rotations_at_once_do_not_mix() {
    let postgres = InPostgres::fresh().await;
    let world = world_of_many(&postgres).await;
    let mut rotations = JoinSet::new();
    for number in 0..MANY {
        let world = world.clone();
        rotations.spawn(async move { rotate(&world, &user(number)).await });
    }
    rotations.join_all().await;
}

/// A claim answered with an error has changed nothing, and the claims beside it stand.
#[tokio::test]
async fn one_claim_that_makes_no_sense_does_not_fail_the_others() {
    let postgres = InPostgres::fresh().await;
    let world = world_of_many(&postgres).await;
    let mut claims = JoinSet::new();
    for number in 0..MANY {
        let world = world.clone();
        let seen = if number == 7 { 9 } else { 1 };
        claims.spawn(async move {
            (number, world.grants.claim_refresh(&world.claim_of(&key(&user(number)), seen)).await)
        });
    }
    for (number, outcome) in claims.join_all().await {
        match number {
            7 => assert!(outcome.is_err()),
            _ => assert!(matches!(outcome.unwrap(), ClaimOutcome::Claimed(_)), "{number}"),
        }
    }
}

#[tokio::test]
async fn two_replicas_that_claim_the_same_grants_share_them() {
    let postgres = InPostgres::fresh().await;
    let world = world_of_many(&postgres).await;
    let other = Arc::new(postgres.another().await);
    let mut claims = JoinSet::new();
    for number in 0..MANY {
        for store in [postgres.store.clone(), other.clone()] {
            let claim = world.claim_of(&key(&user(number)), 1);
            claims.spawn(async move { store.claim_refresh(&claim).await.unwrap() });
        }
    }
    let outcomes = claims.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, ClaimOutcome::Claimed(_))).count(), MANY);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, ClaimOutcome::Busy(_))).count(), MANY);
}
