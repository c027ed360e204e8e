//! One commit for the claims, SENT marks and adoptions that come at the same time: a commit waits for the disk, and that
//! wait is nearly all a step costs.
//!
//! The first step is taken at once; those that come while it is being committed are taken together, and so on. Each runs
//! in a savepoint of its own, so that one that fails takes no other with it, and none is answered before the commit.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use broker_core::ports::StoreError;
use sqlx::{Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::lock::FileLock;
use crate::operation::{failed, operation};

/// More would make the first of a batch wait for the last without saving much.
const LARGEST: usize = 200;

/// A step of the protocol, as part of somebody's transaction.
#[async_trait]
pub(crate) trait Step: Send + Sync + 'static {
    type Answer: Send + Sync + 'static;

    async fn take(&self, connection: &mut SqliteConnection) -> Result<Self::Answer, StoreError>;

    /// Whether what was written is to stay, with this answer.
    fn stays(_answer: &Self::Answer) -> bool {
        true
    }
}

/// Takes steps.
pub(crate) struct Batcher {
    shared: Arc<Shared>,
}

struct Shared {
    writer: SqlitePool,
    queue: Mutex<Queue>,
    tasks: TaskTracker,
    // Held by a batch that outlives the store, and let go after its connection.
    _lock: Option<Arc<FileLock>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Box<dyn Asked>>,
    running: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the batch of a step ended without an answer")]
struct Unanswered;

/// An error that ended every step of a batch.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct OfTheBatch(Arc<StoreError>);

impl Batcher {
    pub(crate) fn new(writer: SqlitePool, lock: Option<Arc<FileLock>>) -> Self {
        let (queue, tasks) = (Mutex::default(), TaskTracker::new());
        Self { shared: Arc::new(Shared { writer, queue, tasks, _lock: lock }) }
    }

    /// Takes a step and waits for its commit. Dropped before its batch has begun, the step is not taken.
    pub(crate) async fn take<S: Step>(&self, step: S) -> Result<S::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        if self.shared.enqueue(Box::new(Waiting { step, outcome: None, answer })) {
            self.shared.tasks.spawn(run(Running(self.shared.clone())));
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable(Box::new(Unanswered))))
    }

    /// Waits for what is running.
    pub(crate) async fn finish(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `true`: nobody takes steps now, the caller has to see to it.
    fn enqueue(&self, step: Box<dyn Asked>) -> bool {
        let mut queue = self.queue();
        queue.waiting.push_back(step);
        !std::mem::replace(&mut queue.running, true)
    }

    /// Whether there is more to take; if not, the running ends in the same breath.
    fn goes_on(&self) -> bool {
        let mut queue = self.queue();
        queue.running = !queue.waiting.is_empty();
        queue.running
    }

    fn next(&self) -> Vec<Box<dyn Asked>> {
        let mut queue = self.queue();
        let count = queue.waiting.len().min(LARGEST);
        queue.waiting.drain(..count).filter(|step| !step.is_abandoned()).collect()
    }
}

/// Stands for [`Queue::running`], so that a panic leaves nobody waiting for ever.
struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.queue();
            queue.running = false;
            queue.waiting.clear();
        }
    }
}

async fn run(running: Running) {
    while running.0.goes_on() {
        let mut batch = Vec::new();
        let committed = operation("batch", take_all(&running.0, &mut batch)).await;
        // Those that a failed begin has left waiting fail with it.
        if committed.is_err() && batch.is_empty() {
            batch = running.0.next();
        }
        let committed = committed.map_err(Arc::new);
        for step in batch {
            step.answer(&committed);
        }
    }
}

/// The batch is chosen under the write lock: whoever has given up and reads with the lock held finds the step taken and
/// committed, or never to be taken.
async fn take_all(shared: &Shared, batch: &mut Vec<Box<dyn Asked>>) -> Result<(), StoreError> {
    let mut tx = shared.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    *batch = shared.next();
    for step in batch.iter_mut() {
        step.take(&mut tx).await?;
    }
    tx.commit().await.map_err(failed)
}

/// A step whose caller waits.
#[async_trait]
trait Asked: Send + Sync {
    fn is_abandoned(&self) -> bool;

    /// The error is one of the whole transaction.
    async fn take(&mut self, tx: &mut Transaction<'static, Sqlite>) -> Result<(), StoreError>;

    fn answer(self: Box<Self>, committed: &Result<(), Arc<StoreError>>);
}

struct Waiting<S: Step> {
    step: S,
    outcome: Option<Result<S::Answer, StoreError>>,
    answer: oneshot::Sender<Result<S::Answer, StoreError>>,
}

#[async_trait]
impl<S: Step> Asked for Waiting<S> {
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    async fn take(&mut self, tx: &mut Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        let mut savepoint = tx.begin().await.map_err(failed)?;
        let outcome = self.step.take(&mut savepoint).await;
        let ended = match outcome.as_ref().is_ok_and(S::stays) {
            true => savepoint.commit().await,
            false => savepoint.rollback().await,
        };
        self.outcome = Some(outcome);
        ended.map_err(failed)
    }

    fn answer(self: Box<Self>, committed: &Result<(), Arc<StoreError>>) {
        let outcome = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Unavailable(Box::new(Unanswered))),
            (Err(error), _) => Err(StoreError::Unavailable(Box::new(OfTheBatch(error.clone())))),
        };
        // A caller that has gone needs no answer.
        let _ = self.answer.send(outcome);
    }
}

impl fmt::Debug for Batcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batcher")
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
