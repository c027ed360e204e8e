//! Several replicas, each with a journal of its own, on one store.

use std::sync::atomic::Ordering;

use broker_core::testing::conformance::actor;
use broker_core::{Barred, BrokerError, Phase};

use crate::fakes::Answer;
use crate::recovery::answered_and_not_adopted;
use crate::world::{World, key};

/// A store that was rotated a moment ago by a replica that still looks alive and is not here.
async fn a_copy() -> World {
    let world = World::new().await;
    world.broker.refresh_grant(&key(), None).await.unwrap();
    world
}

/// Longer than a living replica would be silent.
async fn listens_in_vain(world: &World) {
    for seconds in 0..8 {
        let refused = world.broker.refresh_grant(&key(), None).await;
        assert!(matches!(refused, Err(BrokerError::BackendUnavailable(_))), "after {seconds} s: {refused:?}");
        world.pass(1);
        world.broker.beat().await;
    }
    assert_eq!(world.broker.barred(), Some(Barred::NoJournal));
}

#[tokio::test]
async fn a_copy_stays_paused_when_its_replica_starts_again() {
    let mut world = a_copy().await;
    world.join_as(2).recover().await.unwrap();
    assert_eq!(world.broker.barred(), Some(Barred::Unvouched));
    world.restart();
    world.broker.recover().await.unwrap();
    listens_in_vain(&world).await;
    world.restart();
    world.broker.recover().await.unwrap();
    listens_in_vain(&world).await;
}

#[tokio::test]
async fn a_copy_stays_paused_for_its_second_replica() {
    let mut world = a_copy().await;
    let first = world.join_as(2);
    first.recover().await.unwrap();
    world.join_as(3).recover().await.unwrap();
    first.beat().await;
    listens_in_vain(&world).await;
    first.beat().await;
    assert_eq!(first.barred(), Some(Barred::NoJournal), "the other one is paused itself");
}

#[tokio::test]
async fn a_new_replica_refreshes_once_it_has_heard_another() {
    let mut world = a_copy().await;
    let old = world.broker.clone();
    world.join_as(2).recover().await.unwrap();
    assert_eq!(world.broker.barred(), Some(Barred::Unvouched));
    old.beat().await;
    world.broker.beat().await;
    world.broker.refresh_grant(&key(), None).await.unwrap();
    world.restart();
    world.broker.recover().await.unwrap();
    assert_eq!(world.broker.barred(), None, "the store knows its journal now");
}

#[tokio::test]
async fn a_new_replica_refreshes_when_the_one_it_replaces_leaves() {
    let mut world = a_copy().await;
    let old = world.broker.clone();
    world.join_as(2).recover().await.unwrap();
    old.leave().await;
    world.broker.beat().await;
    assert_eq!(world.broker.barred(), None);
}

#[tokio::test]
async fn the_journal_of_a_replica_that_saw_the_store_adopted_is_waited_for() {
    let mut world = World::new().await;
    world.declare_the_only_copy().await;
    world.broker.beat().await;
    answered_and_not_adopted(&world).await;
    world.join_beside(2).await;
    world.pass(130);
    world.broker.beat().await;
    assert_eq!(world.grant().await.phase, Phase::Sent, "its journal has the answer");
}

#[tokio::test]
async fn nobody_refreshes_until_a_forgotten_replica_has_replayed_its_journal() {
    let mut world = World::new().await;
    world.broker.refresh_grant(&key(), None).await.unwrap();
    let forgotten = world.broker.clone();
    world.lose_replicas().await;
    world.join_as(2).recover().await.unwrap();
    assert_eq!(world.broker.barred(), None);
    world.flaky.refuse_adopt.store(true, Ordering::SeqCst);
    let beating = forgotten.clone();
    let replaying = tokio::spawn(async move { beating.beat().await });
    world.flaky.refused.notified().await;
    world.broker.beat().await;
    assert_eq!([&forgotten, &world.broker].map(|broker| broker.barred()), [Some(Barred::Replaying); 2]);
    world.flaky.refuse_adopt.store(false, Ordering::SeqCst);
    world.outwait(replaying).await;
    for broker in [&forgotten, &world.broker] {
        broker.beat().await;
        assert_eq!(broker.barred(), None);
    }
}

#[tokio::test]
async fn a_journal_that_came_back_is_waited_for_until_it_is_settled() {
    let mut world = World::new().await;
    answered_and_not_adopted(&world).await;
    world.restart();
    world.escrow.spoil_earlier();
    assert_eq!(world.broker.recover().await.unwrap().unsettled, 1);
    let first = world.broker.clone();
    world.join_as(2).recover().await.unwrap();
    for _ in 0..350 {
        world.pass(2);
        first.beat().await;
        world.broker.beat().await;
    }
    assert_eq!(world.grant().await.phase, Phase::Sent, "who holds the answer is alive");
}

#[tokio::test]
async fn while_the_store_is_away_answers_are_synced_to_the_journal() {
    let world = World::new().await;
    answered_and_not_adopted(&world).await;
    assert_eq!(world.escrow.synced.load(Ordering::SeqCst), 0, "nobody knew yet that the store was away");
    let started = world.start().await;
    let (broker, callback) = (world.broker.clone(), world.callback(&started));
    tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await.map(|_| ()) });
    world.flaky.refused.notified().await;
    assert_eq!(world.escrow.synced.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_attempt_given_up_without_its_journal_is_counted_as_such() {
    let counted = |world: &World| {
        let ends = world.broker.attempts_ended();
        ends.iter().filter(|end| end.conclusion == "journal_not_seen").map(|end| end.count).sum::<u64>()
    };
    let mut world = World::new().await;
    world.provider.next([Answer::HangAfterSent]);
    let dying = world.broker.clone();
    tokio::spawn(async move { dying.refresh_grant(&key(), None).await });
    world.provider.reached().await;
    world.join_beside(2).await;
    world.pass(607);
    world.broker.beat().await;
    assert_eq!((counted(&world), world.grant().await.phase), (0, Phase::Sent));
    world.pass(1);
    world.broker.beat().await;
    assert_eq!((counted(&world), world.grant().await.phase), (1, Phase::Uncertain));
}
