//! Single-flight: however many callers, one rotation per grant runs in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

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
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<GrantId, watch::Receiver<Option<Rotated>>>>>);

impl Flights {
    /// How many are under way.
    pub(crate) fn count(&self) -> usize {
        self.map().len()
    }

    pub(crate) fn running(&self, grant: GrantId) -> Option<Flight> {
        self.map().get(&grant).cloned().map(Flight)
    }

    /// Joins the grant's flight, or starts one with `start`, which must spawn and return at once.
    pub(crate) fn join_or_start(&self, grant: GrantId, start: impl FnOnce(Landing)) -> Flight {
        let mut map = self.map();
        if let Some(running) = map.get(&grant) {
            return Flight(running.clone());
        }
        let (sender, receiver) = watch::channel(None);
        map.insert(grant, receiver.clone());
        drop(map);
        start(Landing { flights: self.clone(), grant, sender });
        Flight(receiver)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<GrantId, watch::Receiver<Option<Rotated>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    const GRANT: GrantId = GrantId::NIL;

    #[tokio::test]
    async fn callers_join_the_flight_and_a_landed_one_is_over() {
        let flights = Flights::default();
        let mut landing = None;
        let mut first = flights.join_or_start(GRANT, |l| landing = Some(l));
        let mut second = flights.join_or_start(GRANT, |_| panic!("a second flight started"));
        landing.unwrap().land(Rotated::Adopted);
        assert!(matches!(
            (first.landed().await, second.landed().await),
            (Rotated::Adopted, Rotated::Adopted)
        ));
        assert!(flights.running(GRANT).is_none());
    }

    #[tokio::test]
    async fn a_flight_that_vanishes_frees_the_grant_and_tells_its_waiters() {
        let flights = Flights::default();
        let mut waiting = flights.join_or_start(GRANT, drop);
        assert!(matches!(waiting.landed().await, Rotated::Failed(_)));
        assert!(flights.running(GRANT).is_none());
    }
}
