use broker_core::testing::conformance::actor;
use broker_core::{
    AuthorizationProblem, AuthorizationStatus, BrokerError, CallbackIssuer, CompleteRequest, FailureKind,
    Permit, StartRequest, TenantId, UserId,
};
use broker_crypto::CallbackUrl;
use tokio::task::JoinSet;

use crate::fakes::{Answer, fail};
use crate::world::{World, key, profile, request};

fn problem(result: Result<broker_core::Grant, BrokerError>) -> AuthorizationProblem {
    match result {
        Err(BrokerError::AuthorizationInvalid(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_consent_makes_a_grant_with_the_scopes_asked_for() {
    let world = World::empty(profile()).await;
    let grant = world.consent().await.unwrap();
    assert_eq!((grant.generation.get(), grant.scopes), (1, vec!["read".to_owned()]));
    assert_eq!(world.token().await, "at-1");
}

#[tokio::test]
async fn a_callback_is_accepted_once_in_time_for_its_user_and_at_its_uri() {
    let world = World::empty(profile()).await;
    let started = world.start().await;
    let good = || world.callback(&started);
    let wrong_user = CompleteRequest { user: UserId::new("eve").unwrap(), ..good() };
    assert_eq!(
        problem(world.broker.complete_authorization(&wrong_user, &actor()).await),
        AuthorizationProblem::WrongUser
    );
    let elsewhere = CallbackUrl::new(good().callback_url.expose().replace("app.example", "evil.example"));
    let elsewhere = CompleteRequest { callback_url: elsewhere, ..good() };
    assert_eq!(
        problem(world.broker.complete_authorization(&elsewhere, &actor()).await),
        AuthorizationProblem::WrongRedirectUri
    );
    let other_tenant = CompleteRequest { tenant: TenantId::new("other").unwrap(), ..good() };
    assert_eq!(
        problem(world.broker.complete_authorization(&other_tenant, &actor()).await),
        AuthorizationProblem::UnknownState
    );
    assert_eq!(world.provider.calls(), 0, "nothing of that reached the token endpoint");
    world.broker.complete_authorization(&good(), &actor()).await.unwrap();
    assert_eq!(
        problem(world.broker.complete_authorization(&good(), &actor()).await),
        AuthorizationProblem::AlreadyUsed
    );
    assert_eq!(world.provider.calls(), 1);
}

#[tokio::test]
async fn a_late_callback_is_refused() {
    let world = World::empty(profile()).await;
    let started = world.start().await;
    world.pass(600);
    let late = world.broker.complete_authorization(&world.callback(&started), &actor()).await;
    assert_eq!(problem(late), AuthorizationProblem::Expired);
    assert!(world.broker.is_late(&world.authorization(started.id).await));
}

#[tokio::test]
async fn sixteen_callbacks_at_once_exchange_one_code() {
    let world = World::empty(profile()).await;
    let started = world.start().await;
    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let (broker, callback) = (world.broker.clone(), world.callback(&started));
        calls.spawn(async move { broker.complete_authorization(&callback, &actor()).await.is_ok() });
    }
    assert_eq!(calls.join_all().await.into_iter().filter(|ok| *ok).count(), 1);
    assert_eq!(world.provider.calls(), 1);
}

#[tokio::test]
async fn a_refusal_by_the_user_is_remembered() {
    let world = World::empty(profile()).await;
    let started = world.start().await;
    let denied = world.refusal(&started);
    assert_eq!(
        problem(world.broker.complete_authorization(&denied, &actor()).await),
        AuthorizationProblem::Denied
    );
    let authorization = world.authorization(started.id).await;
    assert_eq!(authorization.status, AuthorizationStatus::Denied);
}

#[tokio::test]
async fn a_refused_code_makes_no_grant() {
    let world = World::empty(profile()).await;
    world.provider.next([fail(FailureKind::DeadToken)]);
    assert_eq!(problem(world.consent().await), AuthorizationProblem::CodeRefused);
    assert!(matches!(world.broker.vend(&request()).await, Err(BrokerError::GrantNotFound)));
}

#[tokio::test]
async fn the_old_token_is_served_until_a_new_consent_is_adopted() {
    let world = World::new().await;
    let consenting = world.consent_under_way().await;
    assert_eq!(world.token().await, "at-1");
    let lineage = world.grant().await.lineage;
    world.provider.release();
    let grant = consenting.await.unwrap().unwrap();
    assert_ne!(grant.lineage, lineage);
    assert_eq!((grant.generation.get(), world.token().await.as_str()), (2, "at-2"));
}

#[tokio::test]
async fn a_new_consent_that_finds_the_grant_moved_on_is_adopted_after_it() {
    let world = World::new().await;
    let consenting = world.consent_under_way().await;
    assert_eq!(world.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
    world.provider.release();
    let grant = consenting.await.unwrap().unwrap();
    assert_eq!(grant.generation.get(), 3);
    assert_eq!(world.token().await, "at-3", "sealed for the generation it was adopted as");
}

#[tokio::test]
async fn a_new_consent_revives_a_grant_that_needed_one() {
    let world = World::new().await;
    world.provider.next([fail(FailureKind::DeadToken), fail(FailureKind::DeadToken)]);
    world.pass(7200);
    assert!(world.vend().await.is_err());
    world.pass(60);
    assert!(matches!(world.vend().await, Err(BrokerError::ConsentRequired(_))));
    world.consent().await.unwrap();
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn bad_scopes_are_named() {
    let world = World::empty(profile()).await;
    let good = StartRequest {
        key: key(),
        registration: None,
        scopes: vec![],
        login_hint: None,
        allow_account_change: false,
        hosting: Default::default(),
        permit: Permit::unlimited(),
    };
    let bad = StartRequest { scopes: vec!["two words".into()], ..good };
    let Err(BrokerError::InvalidRequest(violations)) = world.broker.start_authorization(&bad, &actor()).await
    else {
        panic!("accepted {bad:?}")
    };
    assert_eq!(violations[0].field, "scopes[0]");
}

#[tokio::test]
async fn an_error_of_the_provider_is_not_the_users_refusal() {
    let world = World::empty(profile()).await;
    let started = world.start().await;
    let mut failed = world.callback(&started);
    failed.callback_url =
        CallbackUrl::new(failed.callback_url.expose().replace("code=", "error=server_error&x="));
    let answer = world.broker.complete_authorization(&failed, &actor()).await;
    assert_eq!(problem(answer), AuthorizationProblem::ProviderError);
    let authorization = world.authorization(started.id).await;
    assert_eq!(authorization.status, AuthorizationStatus::Failed("refused".into()));
}

#[tokio::test]
async fn the_providers_own_scopes_are_asked_for_and_granted_with_the_others() {
    let own = broker_core::ProviderProfile { default_scopes: vec!["own".into()], ..profile() };
    let world = World::with(own).await;
    assert_eq!(world.grant().await.scopes, ["own", "read"]);
}

#[tokio::test]
async fn a_consent_renewed_stays_with_the_registration_that_minted_the_grant() {
    let world = World::new().await;
    world.register("second").await;
    world.consent().await.unwrap();
    assert_eq!(world.grant().await.registration.as_str(), "main");
    let other = StartRequest {
        key: key(),
        registration: Some(broker_core::RegistrationId::new("second").unwrap()),
        scopes: vec![],
        login_hint: None,
        allow_account_change: false,
        hosting: Default::default(),
        permit: Permit::unlimited(),
    };
    let started = world.broker.start_authorization(&other, &actor()).await.unwrap();
    world.broker.complete_authorization(&world.callback(&started), &actor()).await.unwrap();
    assert_eq!(world.grant().await.registration.as_str(), "second");
}

#[tokio::test]
async fn a_caller_that_waits_no_longer_leaves_the_exchange_running() {
    let world = World::empty(profile()).await;
    world.provider.next([Answer::RotateWhenReleased]);
    let started = world.start().await;
    let (broker, mut callback) = (world.broker.clone(), world.callback(&started));
    callback.wait = Some(std::time::Duration::from_secs(2));
    let call = tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await });
    world.provider.reached().await;
    assert!(matches!(world.outwait(call).await, Err(BrokerError::RefreshInProgress(_))));
    world.provider.release();
    world.broker.drain().await;
    assert_eq!(world.grant().await.generation.get(), 1);
}

#[tokio::test]
async fn a_callback_may_name_the_issuer_of_its_provider_and_no_other() {
    let known = |always_named| Some(CallbackIssuer { issuer: "https://as.example".into(), always_named });
    for (callback_issuer, named, accepted) in [
        (None, "", true),
        (None, "&iss=https%3A%2F%2Fas.example", false),
        (known(false), "", true),
        (known(false), "&iss=https%3A%2F%2Fas.example", true),
        (known(false), "&iss=https%3A%2F%2Fas.example%2F", false),
        (known(true), "", false),
        (known(true), "&iss=https%3A%2F%2Fas.example", true),
        (known(true), "&iss=https%3A%2F%2Fevil.example", false),
    ] {
        let world = World::empty(broker_core::ProviderProfile { callback_issuer, ..profile() }).await;
        let started = world.start().await;
        let mut callback = world.callback(&started);
        callback.callback_url = CallbackUrl::new(format!("{}{named}", callback.callback_url.expose()));
        match world.broker.complete_authorization(&callback, &actor()).await {
            Ok(_) => assert!(accepted, "{named}"),
            refused => {
                assert!(!accepted, "{named}");
                assert_eq!(problem(refused), AuthorizationProblem::WrongIssuer);
                assert_eq!(world.provider.calls(), 0);
            }
        }
    }
}
