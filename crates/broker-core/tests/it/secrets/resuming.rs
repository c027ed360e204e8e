use broker_core::testing::conformance::actor;
use broker_core::{BrokerError, Phase};

use super::{main, secret};
use crate::world::World;

/// Lets what runs in the background run.
async fn background(world: &World) {
    tokio::task::yield_now().await;
    world.settled().await;
}

async fn rejected() -> World {
    let world = World::with_two_secrets().await;
    world.provider.accept(&["good"]);
    assert!(!world.refreshes().await);
    assert!(world.registration().await.rejected);
    world.provider.shown();
    world
}

#[tokio::test]
async fn an_added_secret_is_tried_at_once_by_one_grant() {
    let world = rejected().await;
    world.add("good", false).await;
    background(&world).await;
    assert_eq!(world.provider.shown(), ["good"], "first the one that was never refused");
    assert_eq!(world.grant().await.generation.get(), 2);
    assert!(!world.registration().await.rejected);
    world.nothing_is_burnt().await;
}

#[tokio::test]
async fn an_added_secret_that_is_wrong_too_leaves_the_registration_at_rest() {
    let world = rejected().await;
    world.add("wrong", false).await;
    background(&world).await;
    assert_eq!(world.provider.shown(), ["wrong"], "the others were refused within the minute");
    assert!(world.registration().await.rejected);
    assert!(!world.refreshes().await);
    assert_eq!(world.provider.shown(), [""; 0], "one canary only");
    world.nothing_is_burnt().await;
}

#[tokio::test]
async fn a_retired_secret_lets_the_others_be_tried_at_once() {
    let world = rejected().await;
    world.provider.accept(&["second"]);
    world.broker.retire_secret(&main(), secret(1), None, &actor()).await.unwrap();
    background(&world).await;
    assert_eq!(world.provider.shown(), ["second"]);
    assert_eq!((world.grant().await.generation.get(), world.grant().await.phase), (2, Phase::Idle));
    assert!(!world.registration().await.rejected);
}

#[tokio::test]
async fn a_registration_that_works_is_left_alone_when_its_secrets_change() {
    let world = World::with_two_secrets().await;
    world.add("third", true).await;
    world.broker.retire_secret(&main(), secret(2), None, &actor()).await.unwrap();
    background(&world).await;
    assert_eq!((world.provider.shown(), world.order().await), (vec![], vec![3, 1]));
}

#[tokio::test]
async fn the_last_secret_stays() {
    let world = World::new().await;
    let last = world.broker.retire_secret(&main(), secret(1), None, &actor()).await;
    assert!(matches!(last, Err(BrokerError::ResourceInUse(_))), "{last:?}");
    let none = world.broker.retire_secret(&main(), secret(9), None, &actor()).await;
    assert!(matches!(none, Err(BrokerError::ResourceNotFound(_))), "{none:?}");
    let version = world.registration().await.version;
    world.add("second", false).await;
    let stale = world.broker.retire_secret(&main(), secret(1), Some(version), &actor()).await;
    assert!(matches!(stale, Err(BrokerError::EtagMismatch)), "{stale:?}");
    assert!(world.refreshes().await);
}
