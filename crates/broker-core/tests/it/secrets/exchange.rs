use broker_core::testing::conformance::actor;
use broker_core::{AuthorizationStatus, BrokerError, FailureKind};

use super::main;
use crate::fakes::fail;
use crate::world::{World, profile};

/// Nobody has consented yet; the registration has two secrets.
async fn nobody_yet() -> World {
    let world = World::empty(profile()).await;
    world.add("second", false).await;
    world
}

#[tokio::test]
async fn a_code_is_shown_again_with_the_next_secret() {
    let world = nobody_yet().await;
    world.provider.accept(&["second"]);
    let grant = world.consent().await.unwrap();
    assert_eq!((grant.generation.get(), world.provider.shown().len()), (1, 2));
    assert_eq!(world.provider.calls(), 1, "the code was looked at once");
    assert_eq!(world.order().await, [2, 1]);
    assert!(world.refreshes().await);
    assert_eq!(world.provider.shown(), ["second"]);
}

#[tokio::test]
async fn when_all_are_refused_the_authorization_fails_and_the_registration_rests() {
    let world = nobody_yet().await;
    world.provider.accept(&[]);
    let started = world.start().await;
    let refused = world.broker.complete_authorization(&world.callback(&started), &actor()).await;
    assert!(matches!(refused, Err(BrokerError::ClientRegistrationRejected(_))), "{refused:?}");
    let authorization = world.authorization(started.id).await;
    let failed = AuthorizationStatus::Failed(FailureKind::ClientRejected.as_str().to_owned());
    assert_eq!(authorization.status, failed);
    assert!(world.registration().await.rejected);
    let again = world.broker.complete_authorization(&world.callback(&started), &actor()).await;
    assert!(matches!(again, Err(BrokerError::AuthorizationInvalid(_))), "{again:?}");

    world.provider.accept(&["secret"]);
    world.consent().await.unwrap();
    assert!(!world.registration().await.rejected, "a consent that works ends the rest");
}

#[tokio::test]
async fn a_bare_refusal_of_a_code_is_held_against_no_secret() {
    let world = nobody_yet().await;
    world.provider.next([fail(FailureKind::UnlabelledRefusal)]);
    assert!(world.consent().await.is_err());
    assert_eq!(world.provider.shown(), ["secret"]);
    let registration = world.registration().await;
    assert!(!registration.rejected && registration.secrets.iter().all(|secret| secret.refused_at.is_none()));
}

#[tokio::test]
async fn a_process_that_dies_between_two_secrets_leaves_the_code_to_be_completed() {
    let mut world = nobody_yet().await;
    world.provider.accept(&["second"]);
    world.provider.next([crate::fakes::Answer::HangBeforeSent]);
    let started = world.start().await;
    let (broker, callback) = (world.broker.clone(), world.callback(&started));
    let dying = tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await });
    world.provider.reached().await;
    dying.abort();
    world.restart();
    world.broker.recover().await.unwrap();
    let refused = world.broker.complete_authorization(&world.callback(&started), &actor()).await;
    assert!(refused.is_err(), "its attempt was open: {refused:?}");
    let grant = world.consent().await.unwrap();
    assert_eq!(grant.registration, main().id);
    assert_eq!(world.provider.calls(), 1);
}
