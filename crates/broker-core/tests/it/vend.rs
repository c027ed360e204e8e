use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use broker_core::{
    Barred, BrokerError, Clock, ConsentCause, FailureKind, Lifecycle, ProviderFailure, StaleReason,
    VendRequest,
};
use tokio::task::JoinSet;

use crate::fakes::{Answer, fail};
use crate::world::{World, key, profile, request};

#[tokio::test]
async fn a_fresh_token_is_vended_without_a_call() {
    let world = World::new().await;
    let calls = world.provider.calls();
    let vended = world.vend().await.unwrap();
    assert_eq!(vended.access_token.expose(), "at-1");
    assert_eq!((vended.stale, vended.grant.grant.generation.get()), (None, 1));
    assert!(vended.refresh_hint_at < vended.grant.grant.expires_at);
    assert_eq!(world.provider.calls(), calls);
}

#[tokio::test]
async fn a_newer_token_than_one_that_is_overdue_is_expected_soon() {
    let world = World::new().await;
    let due = world.vend().await.unwrap().refresh_hint_at;
    world.clock.advance(due.since(world.clock.now()) + Duration::from_secs(20));
    let vended = world.vend().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", None));
    assert_eq!(vended.refresh_hint_at.since(world.clock.now()), Duration::from_secs(20));
}

#[tokio::test]
async fn thirty_two_callers_on_an_expired_grant_cause_one_call() {
    let world = World::new().await;
    world.pass(7200);
    world.provider.next([Answer::RotateWhenReleased]);
    let calls = world.provider.calls();
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let broker = world.broker.clone();
        callers.spawn(async move { broker.vend(&request()).await.unwrap().access_token.expose().to_owned() });
    }
    world.provider.reached().await;
    world.provider.release();
    let tokens = callers.join_all().await;
    assert!(tokens.iter().all(|token| token == "at-2"), "{tokens:?}");
    assert_eq!(world.provider.calls(), calls + 1);
}

#[tokio::test]
async fn callers_who_wait_for_another_replica_share_their_looks_at_the_store() {
    const CALLERS: usize = 64;
    const MILLIS: u64 = 1000;
    let mut world = World::new().await;
    world.pass(7200);
    world.provider.next([Answer::RotateWhenReleased]);
    let other = world.broker.clone();
    let rotating = tokio::spawn(async move { other.refresh_grant(&key(), None).await });
    world.provider.reached().await;
    world.restart();
    world.broker.recover().await.unwrap();
    let reads = || world.flaky.reads.load(Ordering::Relaxed);
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let broker = world.broker.clone();
        callers.spawn(async move { broker.vend(&request()).await.unwrap().access_token.expose().to_owned() });
        quiet(reads).await;
        world.clock.advance(Duration::from_millis(1));
    }
    let before = reads();
    for _ in 0..MILLIS {
        world.clock.advance(Duration::from_millis(1));
        quiet(reads).await;
    }
    // One second is four looks; a look reads once, and so does whoever comes after the try to rotate that follows it.
    assert!(reads() - before < 16, "{} reads", reads() - before);

    world.provider.release();
    rotating.await.unwrap().unwrap();
    while !callers.is_empty() {
        world.clock.advance(Duration::from_millis(250));
        tokio::task::yield_now().await;
        while let Some(token) = callers.try_join_next() {
            assert_eq!(token.unwrap(), "at-2");
        }
    }
}

/// Waits until nobody reads any more.
async fn quiet(reads: impl Fn() -> usize) {
    let mut seen = None;
    while seen != Some(reads()) {
        seen = Some(reads());
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_token_below_the_asked_validity_is_refreshed_first() {
    let world = World::new().await;
    world.pass(3600 - 59);
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn validity_above_half_a_life_counts_as_half_a_life() {
    let world = World::new().await;
    let long = VendRequest { min_validity: Duration::from_secs(86_400), ..request() };
    world.pass(1799);
    assert_eq!(world.broker.vend(&long).await.unwrap().access_token.expose(), "at-1");
    world.pass(2);
    assert_eq!(world.broker.vend(&long).await.unwrap().access_token.expose(), "at-2");
}

#[tokio::test]
async fn a_token_adopted_after_the_call_began_is_fresh_enough_whatever_its_life() {
    let world = World::new().await;
    *world.provider.life.lock().unwrap() = Some(Duration::from_secs(10));
    world.pass(7200);
    let vended = world.vend().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-2", None));
}

#[tokio::test]
async fn a_failed_refresh_serves_the_token_while_it_lives_and_says_so() {
    let world = World::new().await;
    world.provider.next([fail(FailureKind::Throttled)]);
    world.pass(3600 - 30);
    let vended = world.vend().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", Some(StaleReason::RefreshFailed)));
}

#[tokio::test]
async fn the_reason_for_a_stale_token_is_the_one_that_holds() {
    for (kinds, reason) in [
        (vec![FailureKind::ClientRejected], StaleReason::ClientRegistrationRejected),
        (vec![FailureKind::DeadToken, FailureKind::DeadToken], StaleReason::ConsentRequired),
        (vec![FailureKind::Unreachable], StaleReason::RefreshFailed),
    ] {
        let world = World::new().await;
        world.provider.next([kinds[0]; 3].map(fail));
        for _ in kinds {
            assert!(world.broker.refresh_grant(&key(), None).await.is_err());
            world.pass(60);
        }
        let left = world.grant().await.expires_at.since(world.clock.now());
        world.pass(left.as_secs() - 30);
        assert_eq!(world.vend().await.unwrap().stale, Some(reason));
    }
}

#[tokio::test]
async fn a_token_is_served_while_a_backend_is_away() {
    let world = World::new().await;
    world.escrow.full.store(true, std::sync::atomic::Ordering::SeqCst);
    world.pass(3600 - 30);
    assert_eq!(world.vend().await.unwrap().stale, Some(StaleReason::BackendUnavailable));
}

#[tokio::test]
async fn a_pause_after_a_failure_is_kept_and_told() {
    let world = World::new().await;
    let failure = ProviderFailure {
        retry_after: Some(Duration::from_secs(30)),
        ..ProviderFailure::of(FailureKind::Throttled)
    };
    world.provider.next([Answer::Fail(failure)]);
    world.pass(7200);
    let calls = world.provider.calls();
    for _ in 0..3 {
        let Err(BrokerError::ProviderUnavailable(wait)) = world.vend().await else { panic!("served") };
        assert_eq!(wait, Duration::from_secs(30));
    }
    assert_eq!(world.provider.calls(), calls + 1, "nobody calls again during the pause");
    world.pass(30);
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn scopes_that_were_not_granted_are_named() {
    let world = World::new().await;
    let greedy = VendRequest { required_scopes: vec!["read".into(), "write".into()], ..request() };
    let Err(BrokerError::MissingScopes(missing)) = world.broker.vend(&greedy).await else { panic!("vended") };
    assert_eq!(missing, ["write"]);
}

#[tokio::test]
async fn a_caller_that_waits_no_longer_is_told_that_the_refresh_goes_on() {
    let world = World::new().await;
    world.pass(7200);
    world.provider.next([Answer::RotateWhenReleased]);
    let impatient = VendRequest { wait: Some(Duration::from_secs(2)), ..request() };
    let broker = world.broker.clone();
    let call = tokio::spawn(async move { broker.vend(&impatient).await });
    world.provider.reached().await;
    assert!(matches!(world.outwait(call).await, Err(BrokerError::RefreshInProgress(_))));
    world.provider.release();
    world.broker.drain().await;
    assert_eq!(world.grant().await.generation.get(), 2);
}

#[tokio::test]
async fn without_a_refresh_token_the_user_must_come_back_at_expiry() {
    let world = World::empty(profile()).await;
    world.provider.next([Answer::KeepRefreshToken]);
    world.consent().await.unwrap();
    assert_eq!(world.vend().await.unwrap().stale, None);
    world.pass(3600 - 10);
    assert_eq!(world.vend().await.unwrap().stale, None, "in its last seconds, and nothing failed");
    world.pass(10);
    let refused = world.vend().await;
    assert!(
        matches!(refused, Err(BrokerError::ConsentRequired(ConsentCause::NoOfflineAccess))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_grant_without_a_refresh_token_ends_with_its_access_token() {
    let world = World::empty(profile()).await;
    world.provider.next([Answer::KeepRefreshToken]);
    world.consent().await.unwrap();
    let grant = world.grant().await;
    assert_eq!(grant.dies_at, Some(grant.expires_at));
    while world.clock.now() < grant.expires_at {
        world.broker.give_notices().await.unwrap();
        assert_eq!(world.grant().await.lifecycle, Lifecycle::Active);
        world.pass(100);
    }
    assert_eq!(world.broker.give_notices().await.unwrap(), 1);
    assert_eq!(world.grant().await.lifecycle, Lifecycle::NeedsConsent(ConsentCause::NoOfflineAccess));
    assert_eq!(world.broker.give_notices().await.unwrap(), 0);
    world.consent().await.unwrap();
    assert_eq!(world.grant().await.lifecycle, Lifecycle::Active);
}

#[tokio::test]
async fn who_must_not_claim_ends_no_grant_either() {
    let mut world = World::empty(profile()).await;
    world.provider.next([Answer::KeepRefreshToken]);
    world.consent().await.unwrap();
    world.restart();
    world.pass(3600);
    assert_eq!(world.broker.barred(), Some(Barred::NotJoined));
    assert_eq!(world.broker.give_notices().await.unwrap(), 0);
    assert_eq!(world.grant().await.lifecycle, Lifecycle::Active);
    world.broker.recover().await.unwrap();
    assert_eq!(world.broker.give_notices().await.unwrap(), 1);
    assert_eq!(world.grant().await.lifecycle, Lifecycle::NeedsConsent(ConsentCause::NoOfflineAccess));
}

#[tokio::test]
async fn where_the_old_token_dies_a_caller_waits_for_the_running_refresh() {
    let dies = broker_core::ProviderProfile { old_access_token_dies_on_refresh: true, ..profile() };
    let world = World::with(dies).await;
    world.provider.next([Answer::RotateWhenReleased]);
    let broker = world.broker.clone();
    let forced = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
    world.provider.reached().await;
    let broker = world.broker.clone();
    let waiting = tokio::spawn(async move { broker.vend(&request()).await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    world.provider.release();
    let vended = waiting.await.unwrap().unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-2", None));
    forced.await.unwrap().unwrap();
}

#[tokio::test]
async fn where_the_old_token_dies_an_unknown_outcome_is_said() {
    let dies = broker_core::ProviderProfile { old_access_token_dies_on_refresh: true, ..profile() };
    let world = World::with(dies).await;
    world.provider.next([fail(FailureKind::Uncertain)]);
    assert!(world.broker.refresh_grant(&key(), None).await.is_err());
    let vended = world.vend().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", Some(StaleReason::RotationUncertain)));
}

#[tokio::test]
async fn concurrent_reads_share_one_cached_grant() {
    let world = World::new().await;
    let (one, two) = (world.vend().await.unwrap(), world.vend().await.unwrap());
    assert!(Arc::ptr_eq(&one.grant, &two.grant));
}

#[tokio::test]
async fn where_the_old_token_dies_nothing_dead_is_served_after_the_wait() {
    let dies = broker_core::ProviderProfile {
        old_access_token_dies_on_refresh: true,
        authorization_expires_in: Some(Duration::from_secs(600)),
        ..profile()
    };
    let world = World::with(dies).await;
    world.pass(700);
    world.provider.next([Answer::FailWhenReleased(FailureKind::DeadToken)]);
    let broker = world.broker.clone();
    let forced = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
    world.provider.reached().await;
    let broker = world.broker.clone();
    let waiting = tokio::spawn(async move { broker.vend(&request()).await });
    tokio::task::yield_now().await;
    world.provider.release();
    assert!(matches!(waiting.await.unwrap(), Err(BrokerError::GrantExpired { .. })));
    assert!(forced.await.unwrap().is_err());
}

#[tokio::test]
async fn a_refresh_that_narrows_the_scopes_is_noticed() {
    let world = World::new().await;
    *world.provider.scopes.lock().unwrap() = Some(vec!["less".into()]);
    world.pass(7200);
    let reader = VendRequest { required_scopes: vec!["read".into()], ..request() };
    assert!(matches!(world.broker.vend(&reader).await, Err(BrokerError::MissingScopes(_))));
}
