//! What every store of rotation requests must do. [`rotation_request_conformance`](crate::rotation_request_conformance)
//! runs each case as a test.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(missing_docs, reason = "the name of a case is its description")]

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{
    RequestRound, RequestState, RotationAnswer, RotationRequest, RotationRequests, TakeRequests,
    TakenRequest, TraceParent,
};
use crate::{Generation, GrantKey, Timestamp};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const SECOND: Duration = Duration::from_secs(1);
const WANTED_FOR: Duration = Duration::from_secs(35);

/// Requests, and the keys of two grants of different tenants that exist.
pub struct RequestWorld {
    /// The store of requests.
    pub requests: Arc<dyn RotationRequests>,
    /// The grants.
    pub keys: [GrantKey; 2],
}

/// Runs every case of the suite as a test of its own; `$world` is an expression that answers a `RequestWorld` and
/// whatever must live as long.
#[macro_export]
macro_rules! rotation_request_conformance {
    ($world:expr) => {
        $crate::rotation_request_conformance! { @cases $world;
            however_many_ask_there_is_one_request,
            a_request_is_taken_once_and_again_when_its_taker_is_silent,
            longest_waiting_requests_are_taken_first,
            what_nobody_waits_for_is_not_taken_and_is_pruned,
            an_answer_is_for_its_round_and_the_first_one_stands,
            asking_after_an_answer_begins_a_round,
            every_answer_comes_back,
            a_round_carries_the_trace_of_who_asked_first,
        }
    };
    (@cases $world:expr; $($case:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            let (world, _kept) = $world;
            $crate::testing::request_suite::$case(&world).await;
        })*
    };
}

impl RequestWorld {
    async fn ask(&self, grant: usize, at: Timestamp) -> RequestRound {
        self.ask_traced(grant, at, None).await
    }

    async fn ask_traced(
        &self,
        grant: usize,
        at: Timestamp,
        trace_parent: Option<TraceParent>,
    ) -> RequestRound {
        let request = RotationRequest {
            key: self.keys[grant].clone(),
            generation: Generation::new(3),
            requested_at: at,
            wanted_until: at + WANTED_FOR,
            trace_parent,
        };
        self.requests.request_rotation(&request).await.unwrap()
    }

    async fn take(&self, at: Timestamp, limit: u32) -> Vec<TakenRequest> {
        let take = TakeRequests { at, taken_before: at - SECOND * 8, limit };
        self.requests.take_rotation_requests(take).await.unwrap()
    }

    async fn state(&self, grant: usize, round: RequestRound) -> Option<RequestState> {
        let key = &self.keys[grant];
        self.requests.rotation_request(key, Generation::new(3), round).await.unwrap()
    }

    async fn answer(&self, taken: &TakenRequest, answer: RotationAnswer) {
        self.requests.answer_rotation_request(taken, answer).await.unwrap();
    }
}

pub async fn however_many_ask_there_is_one_request(world: &RequestWorld) {
    let rounds = [world.ask(0, NOW).await, world.ask(0, NOW + SECOND).await];
    assert_eq!(rounds[0], rounds[1]);
    assert_eq!(world.state(0, rounds[0]).await, Some(RequestState::Waiting));
    assert_eq!(world.state(1, rounds[0]).await, None);
    let taken = world.take(NOW + SECOND, 10).await;
    let (key, generation) = (world.keys[0].clone(), Generation::new(3));
    let expected = TakenRequest { key, generation, round: rounds[0], trace_parent: None };
    assert_eq!(taken, [expected]);
    assert_eq!(world.state(0, rounds[0]).await, Some(RequestState::Taken));
}

pub async fn a_request_is_taken_once_and_again_when_its_taker_is_silent(world: &RequestWorld) {
    world.ask(0, NOW).await;
    let taken = world.take(NOW, 10).await;
    assert_eq!(taken.len(), 1);
    world.ask(0, NOW + SECOND).await;
    assert!(world.take(NOW + SECOND * 8, 10).await.is_empty());
    assert_eq!(world.take(NOW + SECOND * 9, 10).await, taken);
    world.answer(&taken[0], RotationAnswer::Refused).await;
    assert!(world.take(NOW + SECOND * 30, 10).await.is_empty(), "it is answered");
}

pub async fn longest_waiting_requests_are_taken_first(world: &RequestWorld) {
    world.ask(1, NOW).await;
    world.ask(0, NOW + SECOND).await;
    for grant in [1, 0] {
        let taken = world.take(NOW + SECOND * 2, 1).await;
        assert_eq!(taken.iter().map(|taken| &taken.key).collect::<Vec<_>>(), [&world.keys[grant]]);
    }
}

pub async fn what_nobody_waits_for_is_not_taken_and_is_pruned(world: &RequestWorld) {
    let round = world.ask(0, NOW).await;
    world.ask(1, NOW + SECOND).await;
    let over = NOW + WANTED_FOR;
    assert_eq!(world.take(over, 10).await.len(), 1);
    let prune = async |before| world.requests.prune_rotation_requests(before, 10).await.unwrap();
    assert_eq!((prune(over).await, prune(over + SECOND).await), (0, 1));
    assert_eq!(world.state(0, round).await, None);
}

pub async fn an_answer_is_for_its_round_and_the_first_one_stands(world: &RequestWorld) {
    let round = world.ask(0, NOW).await;
    let taken = world.take(NOW, 1).await.remove(0);
    world.answer(&taken, RotationAnswer::Adopted).await;
    world.answer(&taken, RotationAnswer::Internal).await;
    assert_eq!(world.state(0, round).await, Some(RequestState::Answered(RotationAnswer::Adopted)));
}

pub async fn asking_after_an_answer_begins_a_round(world: &RequestWorld) {
    let first = world.ask(0, NOW).await;
    let taken = world.take(NOW, 1).await.remove(0);
    world.answer(&taken, RotationAnswer::StillRunning).await;
    let second = world.ask(0, NOW + SECOND).await;
    assert!(second > first);
    let still = Some(RequestState::Answered(RotationAnswer::StillRunning));
    assert_eq!(world.state(0, first).await, still, "who asked before reads his answer all the same");
    assert_eq!(world.state(0, second).await, Some(RequestState::Waiting));
    let again = world.take(NOW + SECOND, 1).await.remove(0);
    assert_eq!(again.round, second);
    world.answer(&taken, RotationAnswer::Internal).await;
    assert_eq!(world.state(0, second).await, Some(RequestState::Taken), "that was for the round before");
    world.answer(&again, RotationAnswer::Adopted).await;
    assert_eq!(world.state(0, first).await, Some(RequestState::Answered(RotationAnswer::Adopted)));
}

pub async fn every_answer_comes_back(world: &RequestWorld) {
    let until = NOW + SECOND * 60;
    for answer in [
        RotationAnswer::Adopted,
        RotationAnswer::Unchanged,
        RotationAnswer::Refused,
        RotationAnswer::StillRunning,
        RotationAnswer::RegistrationPaused(until),
        RotationAnswer::RefreshPaused(until),
        RotationAnswer::ProviderRests(until),
        RotationAnswer::BackendUnavailable,
        RotationAnswer::KeysExhausted,
        RotationAnswer::Internal,
    ] {
        let round = world.ask(0, NOW).await;
        let taken = world.take(NOW, 1).await.remove(0);
        world.answer(&taken, answer).await;
        assert_eq!(world.state(0, round).await, Some(RequestState::Answered(answer)));
    }
}

pub async fn a_round_carries_the_trace_of_who_asked_first(world: &RequestWorld) {
    let trace = |digit: &str| TraceParent::parse(&format!("00-{}-{}-01", digit.repeat(32), digit.repeat(16)));
    world.ask(0, NOW).await;
    world.ask_traced(0, NOW, trace("a")).await;
    world.ask_traced(0, NOW, trace("b")).await;
    let taken = world.take(NOW, 1).await.remove(0);
    assert_eq!(taken.trace_parent, trace("a"), "who is not traced carries none");
    world.answer(&taken, RotationAnswer::Unchanged).await;
    world.ask_traced(0, NOW, trace("c")).await;
    let taken = world.take(NOW, 1).await.remove(0);
    assert_eq!(taken.trace_parent, trace("c"));
    world.answer(&taken, RotationAnswer::Unchanged).await;
    world.ask(0, NOW).await;
    assert_eq!(world.take(NOW, 1).await.remove(0).trace_parent, None, "the round before is over");
}
