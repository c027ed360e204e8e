//! Vending in a process that asks another one for rotations.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use broker_core::ports::{PauseTarget, RotationRequests as _, TakeRequests};
use broker_core::testing::MemoryRequests;
use broker_core::testing::conformance::actor;
use broker_core::{
    Api, BrokerError, Clock as _, ConsentCause, FailureKind, Principal, StaleReason, VendRequest, Vended,
};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::fakes::{Answer, fail};
use crate::world::{World, key, provider, request};

/// A process that vends, and one that rotates.
struct Apart {
    world: World,
    api: Arc<Api>,
    requests: Arc<MemoryRequests>,
    rotator: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Apart {
    async fn new() -> Self {
        let world = World::new().await;
        let requests = Arc::<MemoryRequests>::default();
        let api = world.api(requests.clone());
        let mut apart = Self { world, api, requests, rotator: None };
        apart.start_rotator();
        apart
    }

    fn start_rotator(&mut self) {
        let (broker, requests, stop) =
            (self.world.broker.clone(), self.requests.clone(), CancellationToken::new());
        let running = tokio::spawn(broker.run_rotation_requests(requests, stop.clone()));
        self.rotator = Some((stop, running));
    }

    async fn stop_rotator(&mut self) {
        let (stop, running) = self.rotator.take().unwrap();
        stop.cancel();
        running.await.unwrap();
    }

    fn vending(&self, request: VendRequest) -> JoinHandle<Result<Vended, BrokerError>> {
        let vendor = self.api.vendor();
        tokio::spawn(async move { vendor.vend(&request).await })
    }

    /// Vends, while time passes by tenths of a second.
    async fn vend(&self) -> Result<Vended, BrokerError> {
        self.until_done(self.vending(request())).await
    }

    async fn until_done<T>(&self, call: JoinHandle<T>) -> T {
        while !call.is_finished() {
            // The store has a thread of its own, which needs time of the machine: without it a tenth of a second would pass
            // here with each look at the call.
            tokio::time::sleep(Duration::from_millis(2)).await;
            self.world.clock.advance(Duration::from_millis(100));
        }
        call.await.unwrap()
    }

    /// Why there is no token.
    async fn error(&self) -> BrokerError {
        self.vend().await.unwrap_err()
    }
}

#[tokio::test]
async fn a_fresh_token_is_vended_without_asking_anybody() {
    let apart = Apart::new().await;
    let vended = apart.vend().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", None));
    assert_eq!(apart.requests.rounds(), 0);
}

#[tokio::test]
async fn an_old_token_is_rotated_elsewhere_and_the_new_one_vended() {
    let apart = Apart::new().await;
    apart.world.pass(7200);
    let vended = apart.vend().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-2", None));
    assert_eq!(apart.requests.rounds(), 1);
    assert_eq!(apart.vend().await.unwrap().access_token.expose(), "at-2");
    assert_eq!(apart.requests.rounds(), 1);
}

#[tokio::test]
async fn however_many_callers_there_is_one_request_and_one_call() {
    let apart = Apart::new().await;
    apart.world.pass(7200);
    let calls = apart.world.provider.calls();
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let vendor = apart.api.vendor();
        callers.spawn(async move { vendor.vend(&request()).await.unwrap().access_token.expose().to_owned() });
    }
    // A second process asks for the same.
    let other = apart.world.api(apart.requests.clone());
    callers.spawn(
        async move { other.vendor().vend(&request()).await.unwrap().access_token.expose().to_owned() },
    );
    let tokens = apart.until_done(tokio::spawn(callers.join_all())).await;
    assert!(tokens.len() == 33 && tokens.iter().all(|token| token == "at-2"), "{tokens:?}");
    assert_eq!(apart.world.provider.calls(), calls + 1);
    assert_eq!(apart.requests.rounds(), 1);
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_he_says() {
    let apart = Apart::new().await;
    apart.world.pass(7200);
    apart.world.provider.next([Answer::RotateWhenReleased]);
    let call = apart.vending(VendRequest { wait: Some(Duration::from_secs(2)), ..request() });
    apart.world.provider.reached().await;
    let error = apart.until_done(call).await.unwrap_err();
    assert!(matches!(error, BrokerError::RefreshInProgress(_)), "{error}");
    apart.world.provider.release();
    assert_eq!(apart.vend().await.unwrap().access_token.expose(), "at-2", "the rotation went on");
}

#[tokio::test]
async fn errors_are_those_of_a_process_that_does_everything() {
    let failures =
        [FailureKind::DeadToken, FailureKind::ClientRejected, FailureKind::Throttled, FailureKind::Uncertain];
    for kind in failures {
        let (apart, alone) = (Apart::new().await, World::new().await);
        for world in [&apart.world, &alone] {
            world.pass(7200);
            world.provider.next([fail(kind), fail(kind)]);
        }
        // The second time the grant rests, or its provider does.
        for time in ["first", "second"] {
            let (here, there) = (alone.vend().await.unwrap_err(), apart.error().await);
            assert_eq!(name(&there), name(&here), "{kind:?}, the {time} time");
        }
    }
}

/// The error without its times, which pass in one world only.
fn name(error: &BrokerError) -> String {
    format!("{error:?}").split('(').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_pause_is_told_with_its_end_and_consent_that_is_needed_with_its_cause() {
    let apart = Apart::new().await;
    apart.world.pass(7200);
    let principal = Principal::new("grace").unwrap();
    let (target, span) = (PauseTarget::Provider(provider()), Duration::from_secs(60));
    apart.world.broker.pause_refresh(target.clone(), span, String::new(), principal, &actor()).await.unwrap();
    let BrokerError::RefreshPaused(left) = apart.error().await else { panic!("not paused") };
    assert!(left > Duration::from_secs(55) && left <= span, "{left:?}");
    apart.world.broker.resume_refresh(&target, &actor()).await.unwrap();
    apart.world.provider.next([fail(FailureKind::DeadToken), fail(FailureKind::DeadToken)]);
    let error = apart.error().await;
    assert!(matches!(error, BrokerError::RefreshInProgress(_)), "{error}");
    apart.world.pass(60);
    let error = apart.error().await;
    assert!(matches!(error, BrokerError::ConsentRequired(ConsentCause::Revoked)), "{error}");
}

#[tokio::test]
async fn without_a_rotator_a_living_token_is_served_and_then_nothing_until_one_is_back() {
    let mut apart = Apart::new().await;
    apart.stop_rotator().await;
    apart.world.pass(3600 - 59);
    let vended = apart.vend().await.unwrap();
    assert_eq!(vended.access_token.expose(), "at-1");
    assert_eq!(vended.stale, Some(StaleReason::BackendUnavailable));
    assert!(apart.api.finds_no_rotator());
    // Nobody is kept waiting for one again so soon.
    assert_eq!(apart.vend().await.unwrap().stale, Some(StaleReason::BackendUnavailable));

    apart.world.pass(120);
    let error = apart.error().await;
    assert!(matches!(error, BrokerError::BackendUnavailable(_)), "{error}");

    apart.start_rotator();
    apart.world.pass(10);
    assert_eq!(apart.vend().await.unwrap().access_token.expose(), "at-2");
    assert!(!apart.api.finds_no_rotator());
}

#[tokio::test]
async fn what_a_rotator_took_and_never_answered_another_one_takes() {
    let mut apart = Apart::new().await;
    apart.stop_rotator().await;
    apart.world.pass(7200);
    let call = apart.vending(request());
    while apart.requests.rounds() == 0 {
        tokio::task::yield_now().await;
    }
    // One takes it and dies.
    let at = apart.world.clock.now();
    let taken = apart.requests.take_rotation_requests(TakeRequests { at, taken_before: at, limit: 1 }).await;
    assert_eq!(taken.unwrap().len(), 1);
    apart.start_rotator();
    assert_eq!(apart.until_done(call).await.unwrap().access_token.expose(), "at-2");
}

#[tokio::test]
async fn a_store_that_is_away_is_told_as_such() {
    let apart = Apart::new().await;
    apart.world.pass(7200);
    apart.world.flaky.refuse_claim.store(true, Ordering::Relaxed);
    let error = apart.error().await;
    assert!(matches!(error, BrokerError::BackendUnavailable(_)), "{error}");
    apart.world.flaky.refuse_claim.store(false, Ordering::Relaxed);
    assert_eq!(apart.vend().await.unwrap().access_token.expose(), "at-2");
}

#[tokio::test]
async fn a_process_that_vends_forgets_what_was_revoked() {
    let apart = Apart::new().await;
    assert!(apart.vend().await.is_ok());
    apart.world.broker.revoke_grant(&key(), &actor()).await.unwrap();
    apart.api.look().await;
    let error = apart.error().await;
    assert!(matches!(error, BrokerError::ConsentRequired(ConsentCause::Revoked)), "{error}");
}
