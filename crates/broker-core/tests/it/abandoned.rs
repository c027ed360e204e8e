//! The task of an attempt dies, and its process lives on: nobody has to start it again for the grant to go on.

use std::sync::atomic::Ordering;
use std::time::Duration;

use broker_core::testing::conformance::actor;
use broker_core::{
    AuthorizationStatus, BrokerError, ConsentCause, Phase, ProviderProfile, ReusePolicy, RotationMode,
};

use crate::fakes::Answer;
use crate::world::{World, key, profile};

/// A refresh whose task dies there.
async fn dies_in_a_refresh(rotation: RotationMode, answer: Answer) -> World {
    let world = World::with(ProviderProfile { rotation, ..profile() }).await;
    world.provider.next([answer]);
    let refreshed = world.broker.refresh_grant(&key(), None).await;
    assert!(matches!(refreshed, Err(BrokerError::Internal(_))), "{refreshed:?}");
    world
}

async fn after_a_beat(world: &World) -> (Phase, bool) {
    world.broker.beat().await;
    let grant = world.grant().await;
    (grant.phase, grant.tainted)
}

async fn is_refreshed_in_the_end(world: &World) {
    world.pass(3600);
    assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
    assert_eq!(world.provider.dead_presented(), 0);
}

#[tokio::test]
async fn what_it_sent_is_in_doubt_once_no_orphaned_request_is_processed_any_more() {
    let world = dies_in_a_refresh(profile().rotation, Answer::PanicAfterSent).await;
    assert_eq!(after_a_beat(&world).await, (Phase::Sent, false));
    world.pass(119);
    assert_eq!(after_a_beat(&world).await, (Phase::Sent, false));
    world.pass(1);
    assert_eq!(after_a_beat(&world).await, (Phase::Uncertain, true));
    is_refreshed_in_the_end(&world).await;
}

#[tokio::test]
async fn what_was_rotated_is_lost_and_named_so() {
    let world = dies_in_a_refresh(profile().rotation, Answer::RotateAndPanic).await;
    world.broker.beat().await;
    world.pass(120);
    world.broker.beat().await;
    let probed = world.broker.refresh_grant(&key(), None).await;
    assert!(matches!(probed, Err(BrokerError::ConsentRequired(ConsentCause::LostRotation))), "{probed:?}");
    assert_eq!(world.provider.dead_presented(), 0, "not before its time");
}

#[tokio::test]
async fn it_is_in_doubt_at_once_where_showing_the_token_again_costs_nothing() {
    let grace = RotationMode::Grace(Duration::from_secs(30));
    for rotation in [RotationMode::SingleUse(ReusePolicy::Reject), grace] {
        let world = dies_in_a_refresh(rotation, Answer::PanicAfterSent).await;
        assert_eq!(after_a_beat(&world).await, (Phase::Uncertain, true), "{rotation:?}");
        is_refreshed_in_the_end(&world).await;
    }
}

#[tokio::test]
async fn a_grace_is_used_while_it_lasts() {
    let grace = RotationMode::Grace(Duration::from_secs(30));
    let world = dies_in_a_refresh(grace, Answer::PanicAfterSent).await;
    world.pass(4);
    world.broker.beat().await;
    assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
}

#[tokio::test]
async fn what_it_did_not_send_is_given_back() {
    let world = dies_in_a_refresh(profile().rotation, Answer::PanicBeforeSent).await;
    assert_eq!(after_a_beat(&world).await, (Phase::Idle, false));
    is_refreshed_in_the_end(&world).await;
}

#[tokio::test]
async fn an_answer_it_had_escrowed_is_adopted() {
    let world = World::new().await;
    let calls = world.provider.calls();
    world.flaky.panic_adopt.store(true, Ordering::SeqCst);
    assert!(world.broker.refresh_grant(&key(), None).await.is_err());
    world.broker.beat().await;
    assert_eq!((world.token().await.as_str(), world.provider.calls()), ("at-2", calls + 1));
}

#[tokio::test]
async fn an_exchange_fails_and_the_user_can_start_again() {
    let world = World::empty(profile()).await;
    world.provider.next([Answer::PanicAfterSent]);
    let started = world.start().await;
    let completed = world.broker.complete_authorization(&world.callback(&started), &actor()).await;
    assert!(matches!(completed, Err(BrokerError::Internal(_))), "{completed:?}");
    world.broker.beat().await;
    let authorization = world.authorization(started.id).await;
    assert_eq!(authorization.status, AuthorizationStatus::Failed("uncertain".into()));
    world.consent().await.unwrap();
}
