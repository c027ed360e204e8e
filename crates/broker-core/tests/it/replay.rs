//! A long journal: many grants are replayed beside each other, and each grant in its order.

use std::time::Duration;

use broker_core::{Recovered, UserId};
use tokio::task::JoinHandle;

use crate::adoption_door::Asked;
use crate::world::{World, key_of, profile};

/// Grants that are replayed at once.
const AT_ONCE: usize = 64;

fn user(number: usize) -> String {
    format!("user-{number}")
}

/// So many users, each with so many answers in the journal.
async fn journal_of(users: usize, answers: usize) -> World {
    let world = World::empty(profile()).await;
    for user in (0..users).map(user) {
        world.consent_as(&user).await.unwrap();
        for _ in 1..answers {
            world.broker.refresh_grant(&key_of(&user), None).await.unwrap();
        }
    }
    world
}

/// The next run begins, and no adoption is answered.
fn replays_before_a_shut_door(world: &mut World) -> JoinHandle<Recovered> {
    world.restart();
    world.flaky.door.shut();
    let broker = world.broker.clone();
    tokio::spawn(async move { broker.recover().await.unwrap() })
}

/// The adoptions that are asked for at once, `expected` if all is well.
async fn asked_at_once(world: &World, expected: usize) -> Vec<Asked> {
    let door = &world.flaky.door;
    let come = tokio::time::timeout(Duration::from_secs(20), door.waiting(expected)).await;
    come.unwrap_or_else(|_| panic!("{expected} adoptions are never asked for at once"));
    // Reads take their turn at the store: what was asked before this one is answered before it.
    world.broker.grant(&key_of(&user(0))).await.unwrap();
    tokio::task::yield_now().await;
    door.waiting(expected).await
}

#[tokio::test]
async fn many_grants_are_replayed_at_once_and_not_all_of_them() {
    let mut world = journal_of(AT_ONCE + 6, 1).await;
    let replay = replays_before_a_shut_door(&mut world);
    assert_eq!(asked_at_once(&world, AT_ONCE).await.len(), AT_ONCE);
    world.flaky.door.open();
    assert_eq!(replay.await.unwrap(), Recovered::default());
    assert_eq!(world.flaky.door.passed().len(), AT_ONCE + 6);
}

#[tokio::test]
async fn the_answers_of_one_grant_are_replayed_in_their_order() {
    let mut world = journal_of(3, 3).await;
    let replay = replays_before_a_shut_door(&mut world);
    let first: Vec<_> =
        asked_at_once(&world, 3).await.iter().map(|(_, generation)| generation.get()).collect();
    assert_eq!(first, [0, 0, 0], "a grant's next answer waits for the one before");
    world.flaky.door.open();
    replay.await.unwrap();
    let passed = world.flaky.door.passed();
    for user in (0..3).map(|number| UserId::new(user(number)).unwrap()) {
        let of_user = passed.iter().filter(|(asked, _)| *asked == user);
        assert_eq!(of_user.map(|(_, generation)| generation.get()).collect::<Vec<_>>(), [0, 1, 2], "{user}");
    }
}
