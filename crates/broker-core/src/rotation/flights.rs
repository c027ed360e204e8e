//! Single-flight: however many callers, one rotation per grant runs in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tracing::Span;

use crate::ports::{TraceContext, TraceParent};
use crate::{BrokerError, GrantId, Timestamp};

/// How a rotation ended. What the provider said stands in the grant, not here.
#[derive(Debug, Clone)]
pub(crate) enum Rotated {
    /// The grant has a new generation.
    Adopted,
    /// The grant was not there to rotate, or had been rotated already.
    Unchanged,
    /// The provider gave no tokens; the grant says why.
    Refused,
    /// Another attempt is open, or the caller does not wait any longer.
    StillRunning,
    /// The provider refuses the client registration, which rests until this time.
    RegistrationPaused(Timestamp),
    /// The provider refused one client secret, and the next one is to be tried. No flight lands so.
    SecretRefused,
    /// An operator has paused the refreshing of the tenant or at the provider, until this time.
    RefreshPaused(Timestamp),
    /// The provider, or the registration at it, is not called before this time.
    ProviderRests(Timestamp),
    /// The broker itself could not do it.
    Failed(RotationError),
}

/// Why the broker itself could not rotate. Shared by all callers that waited.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum RotationError {
    #[error("a backend cannot be used")]
    Backend(#[source] Arc<dyn std::error::Error + Send + Sync>),
    #[error("the tenant's data keys have sealed as many values as they may")]
    KeysExhausted,
    #[error("{0}")]
    Internal(Arc<str>),
}

impl From<BrokerError> for RotationError {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::BackendUnavailable(source) => Self::Backend(source.into()),
            BrokerError::KeysExhausted => Self::KeysExhausted,
            other => Self::Internal(other.to_string().into()),
        }
    }
}

impl From<RotationError> for BrokerError {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::Backend(_) => Self::BackendUnavailable(Box::new(error)),
            RotationError::KeysExhausted => Self::KeysExhausted,
            RotationError::Internal(what) => Self::Internal(what.to_string()),
        }
    }
}

/// A rotation under way, as its waiters see it.
#[derive(Debug, Clone)]
pub(crate) struct Flight(watch::Receiver<Option<Rotated>>);

impl Flight {
    /// One that is over before it began.
    pub(crate) fn over(rotated: Rotated) -> Self {
        Self(watch::channel(Some(rotated)).1)
    }

    /// Waits for the end.
    pub(crate) async fn landed(&mut self) -> Rotated {
        match self.0.wait_for(Option::is_some).await {
            Ok(rotated) => rotated.clone().unwrap_or(Rotated::Unchanged),
            // The task is gone without a word: it panicked, and the panic was logged where it happened.
            Err(_) => Rotated::Failed(RotationError::Internal("a rotation ended abnormally".into())),
        }
    }
}

/// The rotations under way in this process.
#[derive(Clone)]
pub(crate) struct Flights {
    under_way: Arc<Mutex<HashMap<GrantId, UnderWay>>>,
    traces: Arc<dyn TraceContext>,
}

#[derive(Clone)]
struct UnderWay {
    landing: watch::Receiver<Option<Rotated>>,
    /// Where it stands in the trace of whoever began it.
    trace: Option<TraceParent>,
}

impl Flights {
    pub(crate) fn new(traces: Arc<dyn TraceContext>) -> Self {
        Self { under_way: Arc::default(), traces }
    }

    /// How many are under way.
    pub(crate) fn count(&self) -> usize {
        self.map().len()
    }

    /// The grant's flight, if there is one. The span of who asks is linked to it.
    pub(crate) fn running(&self, grant: GrantId) -> Option<Flight> {
        let running = self.map().get(&grant).cloned();
        running.map(|running| self.joined(running))
    }

    /// Joins the grant's flight, or starts one with `start`, which must spawn and return at once. What is spawned runs in
    /// the span made by `span`: a child of the caller's in the trace alone, for it may outlive the caller.
    pub(crate) fn join_or_start(
        &self,
        grant: GrantId,
        span: impl FnOnce() -> Span,
        start: impl FnOnce(Landing, Span),
    ) -> Flight {
        let mut map = self.map();
        if let Some(running) = map.get(&grant).cloned() {
            drop(map);
            return self.joined(running);
        }
        let (sender, landing) = watch::channel(None);
        let span = self.of_the_caller(span());
        map.insert(grant, UnderWay { landing: landing.clone(), trace: self.traces.of(&span) });
        drop(map);
        start(Landing { flights: self.clone(), grant, sender }, span);
        Flight(landing)
    }

    fn of_the_caller(&self, span: Span) -> Span {
        if let Some(here) = self.traces.here() {
            self.traces.go_on(&span, &here, None);
        }
        span
    }

    fn joined(&self, running: UnderWay) -> Flight {
        if let Some(trace) = &running.trace {
            self.traces.link(&Span::current(), trace);
        }
        Flight(running.landing)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<GrantId, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a flight; dropping it unlanded (a panic) ends it too, so that the next caller starts afresh.
pub(crate) struct Landing {
    flights: Flights,
    grant: GrantId,
    sender: watch::Sender<Option<Rotated>>,
}

impl Landing {
    /// Tells the waiters. A flight that has landed before is over: a later one of the same grant is not touched.
    pub(crate) fn land(&self, rotated: Rotated) {
        if self.sender.borrow().is_some() {
            return;
        }
        self.flights.map().remove(&self.grant);
        self.sender.send_replace(Some(rotated));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if self.sender.borrow().is_none() {
            self.flights.map().remove(&self.grant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::NoTraces;

    const GRANT: GrantId = GrantId::NIL;

    #[tokio::test]
    async fn callers_join_the_flight_and_a_landed_one_is_over() {
        let flights = Flights::new(Arc::new(NoTraces));
        let mut landing = None;
        let mut first = flights.join_or_start(GRANT, Span::none, |l, _| landing = Some(l));
        let mut second = flights.join_or_start(GRANT, Span::none, |_, _| panic!("a second flight started"));
        landing.unwrap().land(Rotated::Adopted);
        assert!(matches!(
            (first.landed().await, second.landed().await),
            (Rotated::Adopted, Rotated::Adopted)
        ));
        assert!(flights.running(GRANT).is_none());
    }

    #[tokio::test]
    async fn a_flight_that_vanishes_frees_the_grant_and_tells_its_waiters() {
        let flights = Flights::new(Arc::new(NoTraces));
        let mut waiting = flights.join_or_start(GRANT, Span::none, |landing, _| drop(landing));
        assert!(matches!(waiting.landed().await, Rotated::Failed(_)));
        assert!(flights.running(GRANT).is_none());
    }
}
