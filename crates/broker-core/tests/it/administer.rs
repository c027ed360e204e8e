//! What operators do to tenants and registrations, and what they see.

use std::time::Duration;

use broker_core::ports::{FleetStore as _, PauseTarget, RegistrationFilter};
use broker_core::testing::conformance::actor;
use broker_core::{
    AddSecret, BreakerState, BrokerError, ClientVerdict, FailureKind, NewRegistration, Phase,
    RegistrationUpdate, RequestId, SecretId,
};
use broker_crypto::ClientSecret;

use crate::fakes::{Answer, fail};
use crate::secrets::main;
use crate::world::{World, key, new_registration, provider, tenant};

fn request(number: u8) -> Option<RequestId> {
    Some(RequestId::from_bytes([number; 16]))
}

fn is_invalid<T: std::fmt::Debug>(answer: Result<T, BrokerError>, field: &str) {
    match answer {
        Err(BrokerError::InvalidRequest(violations)) => assert_eq!(violations[0].field, field),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_repeated_create_answers_what_it_has_made() {
    let world = World::new().await;
    let create = async |name: &str| {
        world
            .broker
            .create_tenant(broker_core::TenantId::new("globex").unwrap(), name.into(), request(1), &actor())
            .await
    };
    let made = create("Globex").await.unwrap();
    world.pass(60);
    assert_eq!(create("Globex").await.unwrap().created_at, made.created_at);
    is_invalid(create("Other").await, "request_id");
}

#[tokio::test]
async fn a_repeated_registration_must_bring_the_same_secret() {
    let world = World::new().await;
    let with = |secret: &str| NewRegistration {
        client_secret: Some(ClientSecret::new(secret)),
        ..new_registration("other")
    };
    let create = async |new| world.broker.create_registration(new, request(1), &actor()).await;
    create(with("one")).await.unwrap();
    assert_eq!(create(with("one")).await.unwrap().secrets.len(), 1);
    is_invalid(create(with("two")).await, "request_id");
    is_invalid(create(NewRegistration { scopes: vec![], ..with("one") }).await, "request_id");
    let again = world.broker.create_registration(with("one"), None, &actor()).await;
    assert!(matches!(again, Err(BrokerError::AlreadyExists(_))), "{again:?}");
}

#[tokio::test]
async fn a_repeated_secret_is_added_once() {
    let world = World::new().await;
    let add = async |secret: &str, prefer| {
        let client_secret = ClientSecret::new(secret);
        world
            .broker
            .add_secret(AddSecret { key: main(), client_secret, prefer, request: request(1) }, &actor())
            .await
    };
    let (_, first) = add("second", true).await.unwrap();
    let (registration, again) = add("second", true).await.unwrap();
    assert_eq!((first, again, registration.secrets.len()), (SecretId::FIRST.next(), first, 2));
    is_invalid(add("third", true).await, "request_id");
    is_invalid(add("second", false).await, "request_id");
}

#[tokio::test]
async fn a_registration_has_ten_secrets_at_most_and_a_public_one_none() {
    let world = World::new().await;
    let add = async |key| {
        let client_secret = ClientSecret::new("another");
        world
            .broker
            .add_secret(AddSecret { key, client_secret, prefer: false, request: None }, &actor())
            .await
    };
    for _ in 2..=10 {
        add(main()).await.unwrap();
    }
    is_invalid(add(main()).await, "client_secret");
    let public = NewRegistration { client_secret: None, ..new_registration("public") };
    let made = world.broker.create_registration(public, None, &actor()).await.unwrap();
    is_invalid(add(broker_core::ports::RegistrationKey::of(&made)).await, "client_secret");
}

#[tokio::test]
async fn an_update_is_checked_like_a_create() {
    let world = World::new().await;
    let update = |redirect_uri: &str, scope: &str| RegistrationUpdate {
        key: main(),
        redirect_uri: Some(redirect_uri.to_owned()),
        scopes: Some(vec![scope.to_owned()]),
        allow_device_authorization: None,
        return_to: Some([("home".to_owned(), "https://app.example/".to_owned())].into()),
        grant_window: None,
        expected: None,
    };
    let change = async |update| world.broker.update_registration(update, &actor()).await;
    is_invalid(change(update("http://app.example/", "read")).await, "redirect_uri");
    is_invalid(change(update("https://app.example/", "two words")).await, "scopes[0]");
    let changed = change(update("https://app.example/new", "write")).await.unwrap();
    assert_eq!(
        (changed.redirect_uri.as_str(), changed.scopes),
        ("https://app.example/new", vec!["write".into()])
    );
    let stale = RegistrationUpdate {
        expected: Some(changed.version.next()),
        ..update("https://app.example/newer", "write")
    };
    assert!(matches!(change(stale).await, Err(BrokerError::EtagMismatch)));
}

#[tokio::test]
async fn a_deleted_registration_leaves_its_users_to_consent_through_another() {
    let world = World::new().await;
    let delete = async || world.broker.delete_registration(&main(), None, &actor()).await;
    assert!(matches!(delete().await, Err(BrokerError::ResourceInUse(_))));
    world.provider.next([fail(FailureKind::DeadToken), fail(FailureKind::DeadToken)]);
    for _ in 0..2 {
        assert!(world.broker.refresh_grant(&key(), None).await.is_err());
        world.pass(60);
    }
    delete().await.unwrap();
    assert!(matches!(delete().await, Err(BrokerError::RegistrationNotFound)));
    world.register("other").await;
    assert_eq!(world.consent().await.unwrap().registration.as_str(), "other");
    let filter = RegistrationFilter { tenant: tenant(), provider: None, after: None, limit: 9 };
    assert_eq!(world.broker.list_registrations(&filter).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_test_asks_for_each_secret_and_uses_no_grant() {
    let world = World::new().await;
    let client_secret = ClientSecret::new("wrong");
    let add = AddSecret { key: main(), client_secret, prefer: true, request: None };
    world.broker.add_secret(add, &actor()).await.unwrap();
    world.provider.accept(&["secret"]);
    let before = world.grant().await;
    world.pass(120);
    let tests = world.broker.test_registration(&main(), None).await.unwrap();
    let verdicts: Vec<_> = tests.iter().map(|test| (test.secret.unwrap().get(), test.verdict)).collect();
    assert_eq!(verdicts, [(2, ClientVerdict::Rejected), (1, ClientVerdict::Accepted)]);
    assert_eq!(world.grant().await, before);
    assert_eq!(world.provider.dead_presented(), 0, "what was shown is nobody's token");
    let registration = world.broker.registration(&main()).await.unwrap();
    let accepted = registration.secrets.iter().find(|secret| secret.id == SecretId::FIRST).unwrap();
    assert_eq!(accepted.last_accepted_at, Some(before.created_at + Duration::from_secs(120)));
}

#[tokio::test]
async fn a_test_that_brings_no_verdict_says_so_in_time() {
    let world = World::new().await;
    world.provider.next([Answer::Unreachable]);
    let tests = world.broker.test_registration(&main(), None).await.unwrap();
    assert_eq!(tests[0].verdict, ClientVerdict::Unreachable);
    world.provider.next([Answer::HangBeforeSent]);
    let wait = Some(Duration::ZERO);
    let tests = world.broker.test_registration(&main(), wait).await.unwrap();
    assert_eq!((tests[0].verdict, tests[0].http_status), (ClientVerdict::Unreachable, None));
}

#[tokio::test]
async fn the_status_tells_what_is_due_paused_and_in_doubt() {
    let world = World::new().await;
    world.provider.next([fail(FailureKind::Uncertain)]);
    assert!(world.broker.refresh_grant(&key(), None).await.is_err());
    assert_eq!(world.grant().await.phase, Phase::Uncertain);
    world.pass(130);
    let (target, grace) = (PauseTarget::Provider(provider()), broker_core::Principal::new("grace").unwrap());
    world.broker.pause_refresh(target, Duration::from_secs(60), "why".into(), grace, &actor()).await.unwrap();
    world.broker.beat().await;
    let status = world.broker.refresh_status().await.unwrap();
    assert_eq!((status.backlog.due, status.backlog.uncertain, status.backlog.suspect), (1, 1, 0));
    assert_eq!(status.at.since(status.backlog.due_since.unwrap()), Duration::from_secs(10));
    assert_eq!((status.pauses.len(), status.replicas.len()), (1, 1));
    assert_eq!((status.barred, status.escrow_writable), (None, true));
    world.escrow.full.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(!world.broker.refresh_status().await.unwrap().escrow_writable);
}

#[tokio::test]
async fn a_provider_is_shown_with_its_breakers_and_its_last_success() {
    let world = World::new().await;
    let listed = async || world.broker.list_providers(None, 9).await.unwrap().remove(0);
    let consented = world.grant().await.created_at;
    world.broker.beat().await;
    let well = listed().await;
    assert_eq!(
        (well.circuit_breaker.state, well.fleet_breaker.state),
        (BreakerState::Closed, BreakerState::Closed)
    );
    assert_eq!((well.last_success_at, well.in_flight), (Some(consented), 0));

    world.store().note_bad_answer(&provider(), consented).await.unwrap();
    let ill = listed().await.fleet_breaker;
    assert_eq!((ill.state, ill.opened_at), (BreakerState::Open, Some(consented)));
    assert!(world.broker.resume_refresh(&PauseTarget::Provider(provider()), &actor()).await.unwrap());
    assert_eq!(listed().await.fleet_breaker.state, BreakerState::Closed);
    assert!(world.broker.list_providers(Some(&provider()), 9).await.unwrap().is_empty());
}
