//! The keys of one issuer, kept fresh.

mod origin;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker_core::{Clock, Timestamp};
use broker_crypto::jwt::JwkSet;
use broker_crypto::sha256;
use tokio::sync::{Notify, Semaphore, watch};

pub(crate) use self::origin::KeyOrigin;
use super::LOOK_EVERY;

/// However often somebody asks, keys are read no sooner again than this: anybody can make up the name of a key.
const LEAST_PAUSE: Duration = Duration::from_secs(5);

/// The pause after a failure, unless `refresh` is shorter.
const RETRY: Duration = Duration::from_secs(15);

/// Longest wait of a caller whose token is signed with an unknown key, and how many may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(12);
const MOST_WAITING: usize = 256;

/// How often keys are read, and how long they last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyTimes {
    /// The pause between two readings of a URL; files are looked at all the time.
    pub(crate) refresh: Duration,
    /// How long keys are used after the last reading that succeeded.
    pub(crate) max_stale: Duration,
}

/// Keeps the keys of an issuer.
pub(super) struct IssuerKeys {
    /// For logs and metrics.
    name: String,
    origin: KeyOrigin,
    times: KeyTimes,
    clock: Arc<dyn Clock>,
    state: watch::Sender<State>,
    /// Somebody met an unknown key.
    asked: Notify,
    waiting: Semaphore,
    problem: Mutex<Option<String>>,
}

/// One version of the keys.
pub(super) struct Keys {
    pub(super) set: JwkSet,
    pub(super) number: u64,
    digest: [u8; 32],
}

#[derive(Default)]
struct State {
    keys: Option<Arc<Keys>>,
    read_at: Option<Timestamp>,
    /// Readings begun and ended.
    begun: u64,
    ended: u64,
}

impl IssuerKeys {
    pub(super) fn new(issuer: &str, origin: KeyOrigin, times: KeyTimes, clock: Arc<dyn Clock>) -> Self {
        Self {
            name: format!("jwks {issuer}"),
            origin,
            times,
            clock,
            state: watch::Sender::default(),
            asked: Notify::new(),
            waiting: Semaphore::new(MOST_WAITING),
            problem: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The keys, if they could be read at all and not too long ago.
    pub(super) fn current(&self) -> Option<Arc<Keys>> {
        let state = self.state.borrow();
        let age = self.clock.now().since(state.read_at?);
        state.keys.clone().filter(|_| age <= self.times.max_stale)
    }

    /// Whether they could be read the last time.
    pub(super) fn is_fresh(&self) -> bool {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// The keys as of a reading that begins after this call. `None`: it did not come about in time, or too many wait.
    pub(super) async fn read_anew(&self) -> Option<Arc<Keys>> {
        let _waiting = self.waiting.try_acquire().ok()?;
        let mut state = self.state.subscribe();
        let wanted = state.borrow().begun + 1;
        self.asked.notify_one();
        let ended = tokio::time::timeout(LONGEST_WAIT, state.wait_for(|state| state.ended >= wanted)).await;
        ended.ok()?.ok()?;
        self.current()
    }

    /// Reads the keys again and again, sooner when somebody asks. Never ends.
    pub(super) async fn run(&self) {
        loop {
            let (pause, read_at) = (self.pause(), self.clock.now());
            tokio::select! {
                () = self.clock.sleep_until(read_at + pause) => {}
                () = self.asked.notified() => self.clock.sleep_until(read_at + LEAST_PAUSE.min(pause)).await,
            }
            self.look().await;
        }
    }

    fn pause(&self) -> Duration {
        match &self.origin {
            KeyOrigin::File(_) => LOOK_EVERY.min(self.times.refresh),
            KeyOrigin::Url(_) if self.is_fresh() => self.times.refresh,
            KeyOrigin::Url(_) => RETRY.min(self.times.refresh),
        }
    }

    /// Reads the keys once. What was read last and was good stays if this fails.
    pub(super) async fn look(&self) {
        self.state.send_modify(|state| state.begun += 1);
        let outcome = self.read().await;
        let read_at = self.clock.now();
        let problem = match outcome {
            Ok(renewed) => {
                self.state.send_modify(|state| {
                    state.keys = renewed.or(state.keys.take());
                    state.read_at = Some(read_at);
                    state.ended = state.begun;
                });
                None
            }
            Err(problem) => {
                self.state.send_modify(|state| state.ended = state.begun);
                Some(problem)
            }
        };
        self.note(problem);
    }

    /// `None` if the document is the one there was.
    async fn read(&self) -> Result<Option<Arc<Keys>>, String> {
        let document = self.origin.read().await?;
        let digest = sha256(&document);
        let before = self.state.borrow().keys.clone();
        if before.as_ref().is_some_and(|keys| keys.digest == digest) {
            return Ok(None);
        }
        let set = JwkSet::parse(&document).map_err(|error| error.to_string())?;
        let number = before.map_or(1, |keys| keys.number + 1);
        tracing::info!(what = self.name, version = number, skipped = ?set.skipped(), "the issuer's keys were read");
        Ok(Some(Arc::new(Keys { set, number, digest })))
    }

    /// Each problem is logged once, however often it is met.
    fn note(&self, problem: Option<String>) {
        let mut known = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match &problem {
            Some(problem) if known.as_ref() != Some(problem) => tracing::error!(
                what = self.name,
                problem,
                "the issuer's keys cannot be read; those read before are used for jwks_max_stale"
            ),
            None if known.is_some() => {
                tracing::info!(what = self.name, "the issuer's keys can be read again")
            }
            _ => {}
        }
        *known = problem;
    }
}

#[cfg(test)]
#[path = "issuer_keys_tests.rs"]
mod tests;
