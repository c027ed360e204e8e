//! Refresh tokens that were obtained elsewhere.

use std::time::Duration;

use broker_core::testing::conformance::actor;
use broker_core::{
    BrokerError, Clock as _, ConsentCause, FailureKind, Grant, ImportRequest, Permit, ProviderProfile,
    RequestId, RotationMode,
};
use broker_crypto::RefreshToken;

use crate::fakes::{Account, Answer, fail};
use crate::world::{World, key, key_of, profile};

const DAY: Duration = Duration::from_secs(86_400);

fn import(token: &str, verify: bool) -> ImportRequest {
    ImportRequest {
        key: key(),
        registration: None,
        refresh_token: RefreshToken::new(token),
        verify,
        scopes: vec![],
        consented_at: None,
        allow_account_change: false,
        request: None,
        wait: None,
        permit: Permit::unlimited(),
    }
}

async fn make(world: &World, request: ImportRequest) -> Result<Grant, BrokerError> {
    world.broker.import_grant(request, &actor()).await
}

fn violated(result: Result<Grant, BrokerError>) -> String {
    match result {
        Err(BrokerError::InvalidRequest(violations)) => violations[0].field.clone(),
        other => panic!("{other:?}"),
    }
}

async fn empty() -> World {
    let world = World::empty(profile()).await;
    world.provider.has_issued("imported");
    world
}

#[tokio::test]
async fn an_import_is_not_presented_until_a_caller_waits_for_its_first_token() {
    let world = empty().await;
    let grant = make(&world, import("imported", false)).await.unwrap();
    assert_eq!((grant.generation.get(), world.provider.calls()), (1, 0));
    assert!(grant.refreshable && grant.due_at == Some(world.clock.now()));
    assert_eq!(world.token().await, "at-1");
    assert_eq!((world.grant().await.generation.get(), world.provider.calls()), (2, 1));
}

#[tokio::test]
async fn a_verified_import_is_redeemed_as_an_attempt() {
    let world = empty().await;
    world.log.taken();
    let grant = make(&world, import("imported", true)).await.unwrap();
    assert_eq!(world.log.taken(), ["sent", "escrow", "interpret"]);
    assert_eq!((grant.generation.get(), world.token().await.as_str()), (1, "at-1"));
    assert_eq!(world.provider.calls(), 1);
}

#[tokio::test]
async fn a_dead_token_makes_no_grant() {
    let world = World::empty(profile()).await;
    let refused = make(&world, import("dead", true)).await;
    assert!(matches!(refused, Err(BrokerError::ConsentRequired(ConsentCause::Revoked))), "{refused:?}");
    assert!(matches!(world.broker.grant(&key()).await, Err(BrokerError::GrantNotFound)));
}

#[tokio::test]
async fn a_token_that_is_not_replaced_is_kept() {
    let world = World::empty(ProviderProfile { rotation: RotationMode::Reusable, ..profile() }).await;
    world.provider.has_issued("imported");
    world.provider.next([Answer::KeepRefreshToken]);
    assert!(make(&world, import("imported", true)).await.unwrap().refreshable);
    world.broker.refresh_grant(&key(), None).await.unwrap();
    assert_eq!(world.provider.calls(), 2);
}

#[tokio::test]
async fn one_token_begins_one_grant() {
    for verify in [false, true] {
        let world = empty().await;
        make(&world, import("imported", verify)).await.unwrap();
        let calls = world.provider.calls();
        for key in [key(), key_of("bob")] {
            let again = make(&world, ImportRequest { key, ..import("imported", true) }).await;
            assert!(matches!(again, Err(BrokerError::DuplicateToken)), "{again:?}");
        }
        assert_eq!(world.provider.calls(), calls, "it is refused before it is presented");
    }
}

#[tokio::test]
async fn where_tokens_are_not_replaced_two_grants_may_share_one() {
    let world = World::empty(ProviderProfile { rotation: RotationMode::Reusable, ..profile() }).await;
    for user in ["ada", "bob"] {
        make(&world, ImportRequest { key: key_of(user), ..import("imported", false) }).await.unwrap();
    }
}

#[tokio::test]
async fn the_time_of_the_consent_decides_a_fixed_window_and_is_bounded_by_it() {
    let world = World::empty(ProviderProfile { authorization_expires_in: Some(7 * DAY), ..profile() }).await;
    let now = world.clock.now();
    let at = |consented_at| ImportRequest { consented_at: Some(consented_at), ..import("imported", false) };
    assert_eq!(violated(make(&world, at(now + Duration::from_secs(1))).await), "consent_time");
    assert_eq!(violated(make(&world, at(now - 7 * DAY)).await), "consent_time");
    let grant = make(&world, at(now - 6 * DAY)).await.unwrap();
    assert_eq!((grant.dies_at, grant.consented_at), (Some(now + DAY), now - 6 * DAY));
}

#[tokio::test]
async fn a_repeated_request_answers_the_same_grant() {
    let world = empty().await;
    let id = RequestId::from_bytes([7; 16]);
    let request = || ImportRequest { request: Some(id), ..import("imported", true) };
    let first = make(&world, request()).await.unwrap();
    let second = make(&world, request()).await.unwrap();
    assert_eq!((first.lineage, first.generation), (second.lineage, second.generation));
    assert_eq!(world.provider.calls(), 1);
    let other = ImportRequest { request: Some(id), ..import("another", true) };
    assert_eq!(violated(make(&world, other).await), "request_id");
}

#[tokio::test]
async fn a_request_that_failed_for_a_passing_reason_may_be_repeated() {
    let world = empty().await;
    let request =
        || ImportRequest { request: Some(RequestId::from_bytes([7; 16])), ..import("imported", true) };
    world.provider.next([Answer::Unreachable, fail(FailureKind::Throttled)]);
    for _ in 0..2 {
        let failed = make(&world, request()).await;
        assert!(matches!(failed, Err(BrokerError::ProviderUnavailable(_))), "{failed:?}");
    }
    make(&world, request()).await.unwrap();
}

#[tokio::test]
async fn an_import_over_a_grant_is_a_consent_like_another() {
    let world = empty().await;
    world.provider.tells(Account::Named("ada-1"));
    world.consent().await.unwrap();
    world.provider.has_issued("imported");
    assert_eq!(violated(make(&world, import("imported", false)).await), "verify");
    let grant = make(&world, import("imported", true)).await.unwrap();
    assert_eq!(grant.generation.get(), 2);
    world.provider.tells(Account::Named("eve-1"));
    world.provider.has_issued("eves");
    let refused = make(&world, import("eves", true)).await;
    assert!(matches!(refused, Err(BrokerError::AuthorizationInvalid(_))), "{refused:?}");
    world.provider.has_issued("eves second");
    let allowed = ImportRequest { allow_account_change: true, ..import("eves second", true) };
    assert_eq!(make(&world, allowed).await.unwrap().generation.get(), 3);
}

#[tokio::test]
async fn the_account_of_an_unverified_import_is_learnt_at_its_first_refresh() {
    let world = empty().await;
    world.provider.tells(Account::Named("ada-1"));
    assert_eq!(make(&world, import("imported", false)).await.unwrap().upstream_account, None);
    world.token().await;
    world.settled().await;
    assert!(world.grant().await.upstream_account.is_some());
}

#[tokio::test]
async fn an_answer_to_an_import_is_adopted_after_a_crash() {
    let mut world = empty().await;
    world.provider.tells(Account::Hangs);
    let broker = world.broker.clone();
    let dying = tokio::spawn(async move { broker.import_grant(import("imported", true), &actor()).await });
    while world.provider.asked.load(std::sync::atomic::Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    dying.abort();
    world.restart();
    world.provider.tells(Account::Named("ada-1"));
    world.broker.recover().await.unwrap();
    assert_eq!(world.token().await, "at-1");
    assert_eq!(world.provider.calls(), 1);
}
