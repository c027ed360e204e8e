use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::fakes::{Answer, fail};
use crate::world::{World, profile};
use broker_core::FailureKind;

/// Moves the clock by a tick and lets the scheduler and its rotations run until nothing is left to do.
async fn tick(world: &World) {
    world.pass(1);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_grant_nobody_asks_for_never_expires() {
    let world = World::new().await;
    let stop = CancellationToken::new();
    let scheduler = tokio::spawn(world.broker.clone().run_scheduler(stop.clone()));
    // A day of one-hour tokens, in steps that never jump over a due time's slack.
    for _ in 0..(24 * 60) {
        world.pass(59);
        tick(&world).await;
        let grant = settled(&world).await;
        assert!(grant.expires_at > broker_core::Clock::now(world.clock.as_ref()), "{grant:?}");
    }
    let rotations = world.grant().await.generation.get() - 1;
    assert!((30..=41).contains(&rotations), "{rotations} in a day of one-hour tokens");
    assert_eq!(world.provider.dead_presented(), 0);
    stop.cancel();
    world.pass(2);
    scheduler.await.unwrap();
}

#[tokio::test]
async fn a_failing_provider_is_called_ever_more_rarely_and_recovers_by_itself() {
    let world = World::with(profile()).await;
    let stop = CancellationToken::new();
    let scheduler = tokio::spawn(world.broker.clone().run_scheduler(stop.clone()));
    world.provider.next(std::iter::repeat_n(Answer::Unreachable, 3).chain([fail(FailureKind::Throttled)]));
    for _ in 0..(65 * 60) {
        tick(&world).await;
        settled(&world).await;
    }
    assert_eq!(world.grant().await.generation.get(), 2);
    stop.cancel();
    world.pass(2);
    scheduler.await.unwrap();
}

/// The grant once no attempt on it is open.
async fn settled(world: &World) -> broker_core::Grant {
    tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let grant = world.grant().await;
            let open = matches!(grant.phase, broker_core::Phase::Claimed | broker_core::Phase::Sent);
            let due = grant.due_at.is_some_and(|due| due <= broker_core::Clock::now(world.clock.as_ref()));
            if !open && !due {
                return grant;
            }
            tick(world).await;
        }
    })
    .await
    .expect("the scheduler settles what is due")
}

#[tokio::test]
async fn a_grant_that_cannot_be_claimed_is_put_off() {
    let world = World::new().await;
    world.pass(3600);
    let due = world.grant().await.due_at.unwrap();
    world.flaky.refuse_claim.store(true, std::sync::atomic::Ordering::SeqCst);
    let stop = CancellationToken::new();
    let scheduler = tokio::spawn(world.broker.clone().run_scheduler(stop.clone()));
    while world.grant().await.due_at == Some(due) {
        tick(&world).await;
    }
    assert!(world.grant().await.due_at.unwrap() >= due + Duration::from_secs(60));
    world.flaky.refuse_claim.store(false, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..70 {
        tick(&world).await;
    }
    assert_eq!(settled(&world).await.generation.get(), 2);
    stop.cancel();
    world.pass(2);
    scheduler.await.unwrap();
}
