//! Device authorizations (RFC 8628), in simulated time.

use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::ConsentStore as _;
use broker_core::testing::conformance::actor;
use broker_core::{
    AuthorizationStatus, Broker, BrokerError, Clock as _, DeviceStarted, FailureKind, Permit,
    ProviderFailure, RegistrationUpdate, StartRequest,
};

use crate::fakes::{Answer, fail};
use crate::world::{World, key, key_of, profile, provider, tenant};

fn refuse(code: &str) -> Answer {
    let kind = if code == "slow_down" { FailureKind::Throttled } else { FailureKind::Refused };
    Answer::Fail(ProviderFailure { oauth_error: Some(code.to_owned()), ..ProviderFailure::of(kind) })
}

fn pending() -> Answer {
    refuse("authorization_pending")
}

fn request() -> StartRequest {
    StartRequest {
        key: key(),
        registration: None,
        scopes: vec![],
        login_hint: None,
        allow_account_change: false,
        hosting: Default::default(),
        permit: Permit::unlimited(),
    }
}

impl World {
    async fn start_device(&self) -> DeviceStarted {
        self.broker.start_device_authorization(&request(), &actor()).await.unwrap()
    }

    async fn status(&self, started: &DeviceStarted) -> AuthorizationStatus {
        self.authorization(started.id).await.status
    }

    /// Lets so many seconds pass, one by one, while these brokers poll. Answers at which the provider was asked.
    async fn watch(&self, brokers: &[Arc<Broker>], seconds: u64) -> Vec<u64> {
        let mut asked = Vec::new();
        for second in 1..=seconds {
            self.pass(1);
            let before = self.provider.calls();
            for broker in brokers {
                broker.poll_due().await.unwrap();
            }
            for broker in brokers {
                while broker.attempts_under_way() > 0 {
                    tokio::task::yield_now().await;
                }
            }
            asked.extend((before..self.provider.calls()).map(|_| second));
        }
        asked
    }

    async fn watch_alone(&self, seconds: u64) -> Vec<u64> {
        self.watch(std::slice::from_ref(&self.broker), seconds).await
    }
}

#[tokio::test]
async fn the_broker_polls_until_the_user_consents() {
    let world = World::empty(profile()).await;
    world.provider.next([pending(), pending(), Answer::Rotate]);
    let started = world.start_device().await;
    assert_eq!(started.user_code.expose(), "BDFG-HJKL");
    assert_eq!(world.watch_alone(10).await, [5, 10]);
    assert_eq!(world.status(&started).await, AuthorizationStatus::Pending);
    assert_eq!(world.watch_alone(20).await, [5]);
    assert_eq!(world.status(&started).await, AuthorizationStatus::Completed);
    assert!(world.vend().await.is_ok());
}

#[tokio::test]
async fn slow_down_is_obeyed_for_good_even_over_a_restart() {
    let mut world = World::empty(profile()).await;
    world.provider.next([refuse("slow_down"), refuse("slow_down"), pending(), pending(), pending()]);
    world.start_device().await;
    assert_eq!(world.watch_alone(30).await, [5, 15, 30]);
    world.restart();
    world.broker.recover().await.unwrap();
    assert_eq!(world.watch_alone(30).await, [15, 30]);
}

#[tokio::test]
async fn what_the_provider_says_ends_it() {
    for (answer, status, late) in [
        (refuse("access_denied"), AuthorizationStatus::Denied, false),
        (refuse("expired_token"), AuthorizationStatus::Pending, true),
        (refuse("unheard_of"), AuthorizationStatus::Failed("refused".into()), false),
        (fail(FailureKind::DeadToken), AuthorizationStatus::Failed("dead_token".into()), false),
    ] {
        let world = World::empty(profile()).await;
        world.provider.next([pending(), answer]);
        let started = world.start_device().await;
        assert_eq!(world.watch_alone(60).await, [5, 10]);
        assert_eq!(world.status(&started).await, status);
        let kept = world.authorization(started.id).await;
        assert_eq!(world.broker.is_late(&kept), late);
    }
}

#[tokio::test]
async fn nobody_polls_for_codes_that_have_lapsed() {
    let world = World::empty(profile()).await;
    world.provider.next(std::iter::repeat_n(pending(), 1000));
    let started = world.start_device().await;
    let asked = world.watch_alone(1000).await;
    assert_eq!((asked.len(), asked.last()), (179, Some(&895)));
    assert!(world.broker.is_late(&world.authorization(started.id).await));
    assert!(world.store().due_polls(world.clock.now(), 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_connection_that_fails_is_tried_ever_less_often() {
    let world = World::empty(profile()).await;
    let unreachable = std::iter::repeat_n(fail(FailureKind::Uncertain), 2);
    world.provider.next(unreachable.chain([pending(), Answer::Rotate]));
    let started = world.start_device().await;
    let asked = world.watch_alone(60).await;
    assert_eq!(asked, [5, 15, 35, 40]);
    assert_eq!(world.status(&started).await, AuthorizationStatus::Completed);
}

#[tokio::test]
async fn a_success_whose_answer_is_lost_has_an_unknown_outcome() {
    let world = World::empty(profile()).await;
    world.provider.next([pending(), Answer::RotateAndLose, fail(FailureKind::DeadToken)]);
    let started = world.start_device().await;
    assert_eq!(world.watch_alone(60).await, [5, 10, 20]);
    assert_eq!(world.status(&started).await, AuthorizationStatus::Failed("uncertain".into()));
}

#[tokio::test]
async fn two_brokers_on_one_store_poll_once_each_interval() {
    let mut world = World::empty(profile()).await;
    let first = world.broker.clone();
    world.join_beside(2).await;
    world.provider.next(std::iter::repeat_n(pending(), 6).chain([Answer::Rotate]));
    let started = world.start_device().await;
    let both = [first, world.broker.clone()];
    assert_eq!(world.watch(&both, 40).await, [5, 10, 15, 20, 25, 30, 35]);
    assert_eq!(world.status(&started).await, AuthorizationStatus::Completed);
}

#[tokio::test]
async fn a_poll_cut_off_by_a_crash_is_made_again() {
    let mut world = World::empty(profile()).await;
    world.provider.next([Answer::HangAfterSent, pending(), Answer::Rotate]);
    let started = world.start_device().await;
    world.pass(5);
    world.broker.poll_due().await.unwrap();
    world.provider.reached().await;
    world.restart();
    world.broker.recover().await.unwrap();
    let asked = world.watch_alone(120).await;
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0] >= 5, "{asked:?}");
    assert_eq!(world.status(&started).await, AuthorizationStatus::Completed);
}

#[tokio::test]
async fn a_registration_that_does_not_allow_it_is_none() {
    let world = World::empty(profile()).await;
    let update = RegistrationUpdate {
        key: broker_core::ports::RegistrationKey {
            tenant: tenant(),
            provider: provider(),
            id: broker_core::RegistrationId::new("main").unwrap(),
        },
        redirect_uri: None,
        scopes: None,
        return_to: None,
        grant_window: None,
        allow_device_authorization: Some(false),
        expected: None,
    };
    world.broker.update_registration(update, &actor()).await.unwrap();
    let refused = world.broker.start_device_authorization(&request(), &actor()).await.unwrap_err();
    assert!(matches!(refused, BrokerError::NoClientRegistration), "{refused}");
    world.register("other").await;
    let started = world.start_device().await;
    let kept = world.authorization(started.id).await;
    assert_eq!(kept.registration.as_str(), "other");
    assert_eq!(kept.expires_at.since(kept.created_at), Duration::from_secs(900));
}

/// More than are read at once, after some were polled.
const MANY: usize = 300;

impl World {
    async fn start_of(&self, user: &str, registration: &str) -> DeviceStarted {
        let registration = Some(broker_core::RegistrationId::new(registration).unwrap());
        let request = StartRequest { key: key_of(user), registration, ..request() };
        self.broker.start_device_authorization(&request, &actor()).await.unwrap()
    }
}

#[tokio::test]
async fn those_who_must_wait_keep_nobody_waiting_and_go_when_they_lapse() {
    let world = World::empty(profile()).await;
    world.register("other").await;
    for user in 0..MANY {
        world.start_of(&format!("user-{user}"), "main").await;
    }
    let throttled = ProviderFailure {
        retry_after: Some(Duration::from_secs(86_400)),
        ..ProviderFailure::of(FailureKind::Throttled)
    };
    world.provider.next(std::iter::repeat_n(Answer::Fail(throttled), 32));
    assert_eq!(world.watch_alone(5).await.len(), 32, "as many as are polled at once");
    let other = world.start_of("ada", "other").await;
    world.provider.next([Answer::Rotate]);
    assert_eq!(world.watch_alone(10).await, [5]);
    assert_eq!(world.status(&other).await, AuthorizationStatus::Completed);

    world.pass(900);
    assert_eq!(world.watch_alone(60).await, [0; 0], "nobody is asked for what has lapsed");
    let left = world.store().due_polls(world.clock.now() + Duration::from_secs(86_400), 1).await.unwrap();
    assert_eq!(left, [], "nor is its code kept");
}

#[tokio::test]
async fn a_provider_that_says_to_wait_answers() {
    let world = World::empty(profile()).await;
    let down = || fail(FailureKind::Unreachable);
    // Five failures in a row open the breaker; these are no row.
    world.provider.next((0..5).flat_map(|_| [down(), pending()]).chain([Answer::Rotate]));
    let started = world.start_device().await;
    world.watch_alone(120).await;
    assert_eq!(world.status(&started).await, AuthorizationStatus::Completed);
    assert_eq!(world.provider.calls(), 11);
}
