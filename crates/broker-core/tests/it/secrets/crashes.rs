//! A process dies between the two secrets.

use std::sync::atomic::Ordering;

use broker_core::Phase;
use tokio::task::JoinHandle;

use crate::fakes::Answer;
use crate::world::{World, key};

/// Begins to refresh, and hangs where the world is made to.
fn refresh_under_way(world: &World) -> JoinHandle<()> {
    let broker = world.broker.clone();
    tokio::spawn(async move { drop(broker.refresh_grant(&key(), None).await) })
}

/// The next run, which finds what the dead one left, and refreshes once its lease is over.
async fn next_run(world: &mut World) -> bool {
    world.restart();
    world.broker.recover().await.unwrap();
    world.pass(61);
    world.broker.beat().await;
    world.refreshes().await
}

#[tokio::test]
async fn after_the_refusal_was_written_down_the_next_run_begins_with_the_next_secret() {
    let mut world = World::with_two_secrets().await;
    world.provider.accept(&["second"]);
    world.flaky.claims_left.store(1, Ordering::SeqCst);
    let dying = refresh_under_way(&world);
    world.flaky.refused.notified().await;
    dying.abort();
    assert_eq!(world.provider.shown(), ["secret"]);
    assert_eq!(world.grant().await.phase, Phase::Idle);
    assert!(!world.registration().await.rejected, "there is another to try");

    assert!(next_run(&mut world).await);
    assert_eq!(world.provider.shown(), ["second"]);
    world.nothing_is_burnt().await;
}

#[tokio::test]
async fn between_the_second_claim_and_sent_nothing_is_lost() {
    let mut world = World::with_two_secrets().await;
    world.provider.accept(&["second"]);
    world.provider.next([Answer::HangBeforeSent]);
    let dying = refresh_under_way(&world);
    world.provider.reached().await;
    dying.abort();
    assert_eq!(world.grant().await.phase, Phase::Claimed);

    assert!(next_run(&mut world).await);
    assert_eq!(world.provider.shown(), ["secret", "second", "second"]);
    world.nothing_is_burnt().await;
}

#[tokio::test]
async fn before_the_refusal_was_written_down_the_journal_tells_of_it() {
    let mut world = World::with_two_secrets().await;
    world.provider.accept(&["second"]);
    world.flaky.hang_close.store(true, Ordering::SeqCst);
    let dying = refresh_under_way(&world);
    world.flaky.refused.notified().await;
    dying.abort();
    world.flaky.hang_close.store(false, Ordering::SeqCst);
    assert_eq!(world.grant().await.phase, Phase::Sent);

    assert!(next_run(&mut world).await);
    // The journal does not say which secret it was: one more refusal tells, and nothing rests for it.
    assert_eq!(world.provider.shown(), ["secret", "secret", "second"]);
    assert!(!world.registration().await.rejected);
    world.nothing_is_burnt().await;
}

#[tokio::test]
async fn an_only_secret_whose_refusal_is_found_in_the_journal_rests_its_registration() {
    let mut world = World::new().await;
    world.provider.accept(&[]);
    world.provider.shown();
    world.flaky.hang_close.store(true, Ordering::SeqCst);
    let dying = refresh_under_way(&world);
    world.flaky.refused.notified().await;
    dying.abort();
    world.flaky.hang_close.store(false, Ordering::SeqCst);
    world.restart();
    world.broker.recover().await.unwrap();
    assert!(world.registration().await.rejected);
    assert_eq!(world.provider.shown(), ["secret"]);
    world.nothing_is_burnt().await;
}

#[tokio::test]
async fn a_lost_answer_to_the_second_secret_is_doubt_like_any_other() {
    let world = World::with_two_secrets().await;
    world.provider.accept(&["second"]);
    world.provider.next([Answer::RotateAndLose]);
    assert!(!world.refreshes().await);
    let grant = world.grant().await;
    assert_eq!((grant.phase, grant.tainted), (Phase::Uncertain, true));
    assert_eq!(world.provider.shown(), ["secret", "second"]);
    assert!(!world.refreshes().await, "the token rests");
    assert_eq!(world.provider.shown(), [""; 0]);
}
