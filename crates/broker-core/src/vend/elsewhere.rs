//! Rotating elsewhere: a rotator is asked through the store, and its answer waited for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, debug_span};

use super::cache::GrantCache;
use super::news::NewsDesk;
use super::refresher::Refresher;
use crate::ports::{
    News, RequestState, RotationRequest, RotationRequests, SPANS, StoreError, TraceContext, Wakeup, Wakeups,
};
use crate::rotation::{Flight, Flights, Rotated, RotationError, Trigger};
use crate::{BrokerError, Clock, Grant, GrantId, GrantKey, Timestamp, Timing};

/// How often the store is looked at while no news comes.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A request that no rotator has taken for so long finds none alive, or none with room.
const UNTAKEN: Duration = Duration::from_secs(3);

/// So long nobody is kept waiting after that: the next to ask tries again.
const REST: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
#[error(
    "no rotator has taken the request: see that a process with --role rotator runs and can reach the store"
)]
struct NoRotator;

/// Asks rotators.
#[derive(Clone)]
pub(crate) struct Elsewhere(Arc<Asking>);

struct Asking {
    requests: Arc<dyn RotationRequests>,
    wakeups: Arc<dyn Wakeups>,
    news: Arc<NewsDesk>,
    cache: Arc<GrantCache>,
    clock: Arc<dyn Clock>,
    timing: Timing,
    traces: Arc<dyn TraceContext>,
    flights: Flights,
    tasks: TaskTracker,
    /// No rotator was found of late, and until then nobody is kept waiting for one.
    resting_until: Mutex<Option<Timestamp>>,
}

/// What asking needs.
pub(crate) struct AskingParts {
    pub(crate) requests: Arc<dyn RotationRequests>,
    pub(crate) wakeups: Arc<dyn Wakeups>,
    pub(crate) news: Arc<NewsDesk>,
    pub(crate) cache: Arc<GrantCache>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timing: Timing,
    pub(crate) traces: Arc<dyn TraceContext>,
}

impl Elsewhere {
    pub(crate) fn new(parts: AskingParts) -> Self {
        let AskingParts { requests, wakeups, news, cache, clock, timing, traces } = parts;
        let (flights, tasks) = (Flights::new(traces.clone()), TaskTracker::new());
        let resting_until = Mutex::default();
        Self(Arc::new(Asking {
            requests,
            wakeups,
            news,
            cache,
            clock,
            timing,
            traces,
            flights,
            tasks,
            resting_until,
        }))
    }

    /// How many rotations are waited for.
    pub(crate) fn waiting(&self) -> usize {
        self.0.flights.count()
    }

    /// Whether no rotator was found when one was last asked.
    pub(crate) fn finds_no_rotator(&self) -> bool {
        self.0.resting_until().is_some()
    }
}

impl Refresher for Elsewhere {
    fn running(&self, grant: GrantId) -> Option<Flight> {
        self.0.flights.running(grant)
    }

    fn refresh(&self, grant: &Grant, _: Trigger) -> Flight {
        let (asking, key, generation) = (self.0.clone(), grant.key.clone(), grant.generation);
        self.0.flights.join_or_start(grant.id, request_span, |landing, span| {
            let asked = async move {
                let requested_at = asking.clock.now();
                let wanted_until = requested_at + asking.timing.default_wait;
                let trace_parent = asking.traces.here();
                let request = RotationRequest { key, generation, requested_at, wanted_until, trace_parent };
                let rotated = asking.ask(request).await;
                landing.land(rotated);
            };
            self.0.tasks.spawn(asked.instrument(span));
        })
    }

    fn refresh_again(&self, grant: &Grant, trigger: Trigger) -> Flight {
        self.refresh(grant, trigger)
    }
}

impl Asking {
    async fn ask(&self, request: RotationRequest) -> Rotated {
        if self.resting_until().is_some_and(|until| until > self.clock.now()) {
            return no_rotator();
        }
        let answered = self.answer_to(&request).await;
        match &answered {
            Ok(Rotated::Adopted | Rotated::Unchanged | Rotated::Refused) => self.cache.forget(&request.key),
            _ => self.cache.doubt_key(&request.key),
        }
        answered.unwrap_or_else(|error| Rotated::Failed(BrokerError::from(error).into()))
    }

    async fn answer_to(&self, request: &RotationRequest) -> Result<Rotated, StoreError> {
        let (grant, generation) = (request.key.grant_id(), request.generation);
        let round = self.requests.request_rotation(request).await?;
        self.wakeups.announce(Wakeup { grant, generation, news: News::Wanted });
        loop {
            let state = self.requests.rotation_request(&request.key, generation, round).await?;
            let now = self.clock.now();
            match state {
                Some(RequestState::Answered(answer)) => {
                    self.set_resting(None);
                    return Ok(answer.into());
                }
                Some(RequestState::Waiting) if now.since(request.requested_at) >= UNTAKEN => {
                    self.find_no_rotator(&request.key, now);
                    return Ok(no_rotator());
                }
                Some(_) if now < request.wanted_until => self.news_or_pause(grant, now).await,
                _ => return Ok(Rotated::StillRunning),
            }
        }
    }

    async fn news_or_pause(&self, grant: GrantId, now: Timestamp) {
        tokio::select! {
            () = self.news.of(grant) => {}
            () = self.requests.answered(grant) => {}
            () = self.clock.sleep_until(now + LOOK_AGAIN) => {}
        }
    }

    fn find_no_rotator(&self, key: &GrantKey, now: Timestamp) {
        tracing::error!(grant = %key.grant_id(), "{NoRotator}");
        self.set_resting(Some(now + REST));
    }

    fn resting_until(&self) -> Option<Timestamp> {
        *self.resting_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_resting(&self, until: Option<Timestamp>) {
        *self.resting_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

/// From the asking to the answer.
fn request_span() -> Span {
    debug_span!(target: SPANS, parent: None, "rotation request", otel.kind = "producer")
}

fn no_rotator() -> Rotated {
    Rotated::Failed(RotationError::Backend(Arc::new(NoRotator)))
}
