//! What all signals leave through: a bounded time for each message, and retries within it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::door::{Door, Failure};
use crate::standing::Standing;
use crate::{OpenError, Settings};

/// The pause before the first retry; each following one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// One message to a collector.
#[derive(Debug, Clone)]
pub enum Message {
    /// Spans.
    Traces(ExportTraceServiceRequest),
    /// Log records.
    Logs(ExportLogsServiceRequest),
    /// Metrics.
    Metrics(ExportMetricsServiceRequest),
}

/// How many messages were delivered and lost since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Taken by the collector.
    pub delivered: u64,
    /// Given up.
    pub lost: u64,
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
    standing: Standing,
    delivered: AtomicU64,
    lost: AtomicU64,
    runtime: Handle,
    tasks: TaskTracker,
}

impl Sender {
    /// Opens the door. Does not touch the network. What is sent from any thread runs on this runtime.
    pub(crate) fn open(settings: &Settings, runtime: Handle) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(Shared {
            door: Door::open(settings)?,
            timeout: settings.timeout,
            standing: Standing::default(),
            delivered: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            runtime,
            tasks: TaskTracker::new(),
        })))
    }

    /// Delivers a message, or gives it up after the timeout of the settings. May be awaited outside the runtime.
    pub async fn deliver(&self, message: Message) -> Result<(), Undelivered> {
        let shared = Arc::clone(&self.0);
        let delivery = async move { shared.deliver(&message).await };
        let delivered = self.0.tasks.spawn_on(delivery, &self.0.runtime).await;
        delivered.unwrap_or_else(|_| Err(Undelivered("the runtime is over".to_owned())))
    }

    /// What became of messages so far.
    pub fn delivery(&self) -> Delivery {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Delivery { delivered: read(&self.0.delivered), lost: read(&self.0.lost) }
    }
}

impl Shared {
    async fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        let mut last = "timed out".to_owned();
        let tries = tokio::time::timeout(self.timeout, self.tries(message, &mut last)).await;
        let problem = if tries == Ok(true) { None } else { Some(last) };
        self.standing.note(problem.as_deref());
        let count = if problem.is_none() { &self.delivered } else { &self.lost };
        count.fetch_add(1, Ordering::Relaxed);
        problem.map_or(Ok(()), |problem| Err(Undelivered(problem)))
    }

    /// Whether it was delivered; if not, `last` says why.
    async fn tries(&self, message: &Message, last: &mut String) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.door.deliver(message).await {
                Ok(()) => return true,
                Err(Failure::Lasting(problem)) => {
                    *last = problem;
                    return false;
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
