//! What all signals leave through: a bounded time for each message, and retries within it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::door::{Door, Failure};
use crate::standing::Standings;
use crate::{Message, OpenError, Settings};

/// The pause before the first retry; each following one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What became of messages since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Messages taken by the collector.
    pub delivered: u64,
    /// Messages given up.
    pub lost: u64,
    /// Spans, log records and data points that it rejected of messages it took.
    pub rejected: u64,
}

/// A message was given up. The text is for logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undelivered(String);

/// Delivers messages. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct Sender(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    door: Door,
    timeout: Duration,
    standings: Standings,
    delivered: AtomicU64,
    lost: AtomicU64,
    rejected: AtomicU64,
    runtime: Handle,
    tasks: TaskTracker,
}

impl Sender {
    /// Opens the door. Does not touch the network. What is sent from any thread runs on this runtime.
    pub(crate) fn open(settings: &Settings, runtime: Handle) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(Shared {
            door: Door::open(settings)?,
            timeout: settings.timeout,
            standings: Standings::default(),
            delivered: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            runtime,
            tasks: TaskTracker::new(),
        })))
    }

    /// Delivers a message, or gives it up after the timeout of the settings. May be awaited outside the runtime. Dropping the
    /// future gives it up at once, and that is counted nowhere.
    pub async fn deliver(&self, message: Message) -> Result<(), Undelivered> {
        let shared = Arc::clone(&self.0);
        let delivery = async move { shared.deliver(&message).await };
        let delivery = AbortOnDropHandle::new(self.0.tasks.spawn_on(delivery, &self.0.runtime));
        delivery.await.unwrap_or_else(|_| Err(Undelivered("the runtime is over".to_owned())))
    }

    /// What became of messages so far.
    pub fn delivery(&self) -> Delivery {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Delivery {
            delivered: read(&self.0.delivered),
            lost: read(&self.0.lost),
            rejected: read(&self.0.rejected),
        }
    }
}

impl Shared {
    async fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        let mut last = "timed out".to_owned();
        let tries = tokio::time::timeout(self.timeout, self.tries(message, &mut last)).await;
        let outcome = tries.ok().flatten().ok_or(last);
        self.standings.note(message.signal(), outcome.as_ref().copied().map_err(String::as_str));
        match outcome {
            Ok(rejected) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
                self.rejected.fetch_add(rejected, Ordering::Relaxed);
                Ok(())
            }
            Err(problem) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                Err(Undelivered(problem))
            }
        }
    }

    /// How many items of it were rejected, once it is delivered; if it is not, `last` says why.
    async fn tries(&self, message: &Message, last: &mut String) -> Option<u64> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.door.deliver(message).await {
                Ok(rejected) => return Some(rejected),
                Err(Failure::Lasting(problem)) => {
                    *last = problem;
                    return None;
                }
                Err(Failure::Passing(problem, asked)) => {
                    *last = problem;
                    tokio::time::sleep(asked.unwrap_or_default().max(pause)).await;
                    pause *= 2;
                }
            }
        }
    }
}
