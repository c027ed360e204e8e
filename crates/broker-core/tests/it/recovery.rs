use std::sync::atomic::Ordering;

use broker_core::testing::conformance::actor;
use broker_core::{BrokerError, FailureKind, Phase, Recovered};

use crate::fakes::{Answer, fail};
use crate::world::{World, key, profile, request};

/// Starts a refresh that stops where the script says, and lets the process die there.
async fn die_during(world: &mut World, answer: Answer) {
    world.provider.next([answer]);
    let broker = world.broker.clone();
    tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
    world.provider.reached().await;
    world.restart();
}

#[tokio::test]
async fn a_claim_that_was_never_sent_is_given_back() {
    let mut world = World::new().await;
    die_during(&mut world, Answer::HangBeforeSent).await;
    let recovered = world.broker.recover().await.unwrap();
    assert_eq!(recovered, Recovered { unsent: 1, ..Recovered::default() });
    assert_eq!((world.grant().await.phase, world.grant().await.tainted), (Phase::Idle, false));
    world.pass(7200);
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn a_request_that_was_sent_is_uncertain_until_orphans_are_gone() {
    let mut world = World::new().await;
    die_during(&mut world, Answer::HangAfterSent).await;
    let recovered = world.broker.recover().await.unwrap();
    assert_eq!(recovered, Recovered::default());
    assert_eq!(world.token().await, "at-1", "the last good token is served meanwhile");
    world.pass(119);
    world.broker.beat().await;
    assert_eq!((world.grant().await.phase, world.grant().await.tainted), (Phase::Sent, false));
    world.pass(1);
    world.broker.beat().await;
    assert_eq!((world.grant().await.phase, world.grant().await.tainted), (Phase::Uncertain, true));
    world.pass(7200);
    assert_eq!(world.token().await, "at-2");
    assert!(!world.grant().await.tainted);
}

/// A refresh whose answer is in escrow and cannot be adopted.
pub(crate) async fn answered_and_not_adopted(world: &World) {
    world.flaky.refuse_adopt.store(true, Ordering::SeqCst);
    let broker = world.broker.clone();
    tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
    world.flaky.refused.notified().await;
}

#[tokio::test]
async fn an_escrowed_answer_is_adopted_at_the_next_start() {
    let mut world = World::new().await;
    answered_and_not_adopted(&world).await;
    world.restart();
    world.flaky.refuse_adopt.store(false, Ordering::SeqCst);
    let recovered = world.broker.recover().await.unwrap();
    assert_eq!(recovered, Recovered { adopted: 1, ..Recovered::default() });
    assert_eq!(world.token().await, "at-2");
    assert_eq!(world.escrow.earlier_len(), 1, "the newest answer of a grant is kept for a day");
    world.pass(7200);
    assert_eq!(world.token().await, "at-3");
    assert_eq!(world.provider.dead_presented(), 0);
}

#[tokio::test]
async fn an_answer_is_adopted_as_soon_as_the_store_is_back() {
    let world = World::new().await;
    answered_and_not_adopted(&world).await;
    assert_eq!(world.token().await, "at-1", "valid tokens are served meanwhile");
    world.flaky.refuse_adopt.store(false, Ordering::SeqCst);
    world.pass(1);
    world.broker.drain().await;
    assert_eq!((world.grant().await.generation.get(), world.token().await.as_str()), (2, "at-2"));
}

#[tokio::test]
async fn an_answer_that_was_not_settled_for_another_reason_is_settled_by_the_same_run() {
    let world = World::new().await;
    world.flaky.misfit_adopt.store(true, Ordering::SeqCst);
    assert!(world.broker.refresh_grant(&key(), None).await.is_err());
    world.pass(61);
    assert_eq!(world.token().await, "at-1", "who comes next finds the attempt open");
    assert!(world.broker.refresh_grant(&key(), Some(std::time::Duration::ZERO)).await.is_err());
    world.settled().await;
    world.broker.beat().await;
    assert_eq!(world.token().await, "at-2");
    assert_eq!(world.provider.dead_presented(), 0);
}

#[tokio::test]
async fn without_sent_nothing_is_written_to_the_provider() {
    let world = World::new().await;
    let calls = world.provider.calls();
    world.flaky.refuse_sent.store(true, Ordering::SeqCst);
    assert!(world.broker.refresh_grant(&key(), None).await.is_err());
    assert_eq!((world.provider.calls(), world.grant().await.tainted), (calls, false));
    world.flaky.refuse_sent.store(false, Ordering::SeqCst);
    assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_does_not_block_the_grant() {
    let world = World::new().await;
    world.flaky.lose_claim.store(true, Ordering::SeqCst);
    assert!(matches!(
        world.broker.refresh_grant(&key(), None).await,
        Err(BrokerError::BackendUnavailable(_))
    ));
    world.broker.drain().await;
    assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
}

#[tokio::test]
async fn an_exchange_whose_claim_was_lost_leaves_no_open_attempt() {
    let mut world = World::empty(profile()).await;
    world.flaky.lose_claim.store(true, Ordering::SeqCst);
    assert!(matches!(world.consent().await, Err(BrokerError::BackendUnavailable(_))));
    world.broker.drain().await;
    world.restart();
    assert_eq!(world.broker.recover().await.unwrap(), Recovered::default());
}

#[tokio::test]
async fn recovery_is_idempotent() {
    let mut world = World::new().await;
    die_during(&mut world, Answer::HangAfterSent).await;
    world.broker.recover().await.unwrap();
    world.restart();
    assert_eq!(world.broker.recover().await.unwrap(), Recovered::default());
}

#[tokio::test]
async fn an_interrupted_exchange_fails_its_authorization_and_leaves_no_grant() {
    let mut world = World::empty(profile()).await;
    world.provider.next([Answer::HangAfterSent]);
    let started = world.start().await;
    let (broker, callback) = (world.broker.clone(), world.callback(&started));
    tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await.map(|_| ()) });
    world.provider.reached().await;
    world.restart();
    assert_eq!(world.broker.recover().await.unwrap().uncertain, 1);
    assert!(matches!(world.broker.vend(&request()).await, Err(BrokerError::GrantNotFound)));
    let authorization = world.authorization(started.id).await;
    assert!(matches!(authorization.status, broker_core::AuthorizationStatus::Failed(_)));
    world.consent().await.unwrap();
}

#[tokio::test]
async fn an_escrowed_refusal_is_concluded_at_the_next_start() {
    let mut world = World::new().await;
    world.provider.next([fail(FailureKind::DeadToken)]);
    assert!(world.broker.refresh_grant(&key(), None).await.is_err());
    world.restart();
    world.broker.recover().await.unwrap();
    assert_eq!(world.grant().await.phase, Phase::Suspect);
}

#[tokio::test]
async fn while_an_escrowed_answer_cannot_be_settled_its_token_is_not_presented_again() {
    let mut world = World::new().await;
    answered_and_not_adopted(&world).await;
    // Nothing is adopted from here on: the task of the dead process lives on in this test and would do it.
    world.restart();
    world.escrow.spoil_earlier();
    let recovered = world.broker.recover().await.unwrap();
    assert_eq!((recovered.unsettled, recovered.uncertain), (1, 0), "the consent's answer is settled already");
    assert_eq!(world.escrow.earlier_len(), 1, "what cannot be settled is kept");
    let calls = world.provider.calls();
    world.pass(86_401);
    assert!(world.vend_at_once().await.is_err());
    assert_eq!(world.provider.calls(), calls);

    world.restart();
    let recovered = world.broker.recover().await.unwrap();
    assert_eq!((recovered.unsettled, recovered.uncertain), (0, 1), "after a day it is given up");
    assert_eq!(world.escrow.earlier_len(), 0);
}

#[tokio::test]
async fn a_start_does_not_wait_for_ever_for_a_store_that_does_not_settle() {
    let mut world = World::new().await;
    world.flaky.hang_adopt.store(true, Ordering::SeqCst);
    let broker = world.broker.clone();
    tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
    world.flaky.refused.notified().await;
    world.restart();
    let broker = world.broker.clone();
    let start = tokio::spawn(async move { broker.recover().await.unwrap() });
    // The consent's answer, which is settled already, then the refresh's.
    for _ in 0..2 {
        world.flaky.refused.notified().await;
        world.pass(31);
    }
    assert_eq!(start.await.unwrap().unsettled, 1);
    world.flaky.hang_adopt.store(false, Ordering::SeqCst);
    world.restart();
    assert_eq!(world.broker.recover().await.unwrap().adopted, 1);
}

#[tokio::test]
async fn an_escrowed_answer_of_another_store_is_kept() {
    let mut world = World::new().await;
    answered_and_not_adopted(&world).await;
    let mut other = World::of(7).await;
    other.escrow = world.escrow.clone();
    world.restart();
    other.restart();
    assert_eq!(other.broker.recover().await.unwrap().unsettled, 2);
    assert_eq!(world.escrow.earlier_len(), 2);
    world.flaky.refuse_adopt.store(false, Ordering::SeqCst);
    assert_eq!(world.broker.recover().await.unwrap().adopted, 1);
}
