//! Sharing one statement and one commit among requests that come at the same time.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use broker_core::GrantId;
use broker_core::ports::StoreError;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::operation::{RUN, bounded, failed, shared};

/// More would make the first of a batch wait for the last without saving much.
const LARGEST: usize = 200;

/// A kind of request that may be answered many at a time.
pub(crate) trait Batch: Send + Sync + 'static {
    /// One request.
    type Ask: Send + Sync + 'static;
    /// Its answer.
    type Answer: Send + 'static;
    /// The name of the operation.
    const NAME: &'static str;

    /// The grant a request is for. A batch holds one request of a grant.
    fn grant(ask: &Self::Ask) -> GrantId;

    /// Answers requests in their order. The outer error stands for all of them: the statement failed as a whole.
    fn run(&self, asks: &[Self::Ask]) -> impl Future<Output = Result<Answers<Self>, sqlx::Error>> + Send;
}

type Answer<B> = Result<<B as Batch>::Answer, StoreError>;
pub(crate) type Answers<B> = Vec<Answer<B>>;
type Answering<B> = oneshot::Sender<Answer<B>>;

/// Answers requests: the first at once, those that come while it is being answered together, and so on. So an idle store
/// adds no wait, and a busy one as many requests to a batch as its own round trip takes.
pub(crate) struct Batcher<B: Batch> {
    shared: Arc<Shared<B>>,
}

struct Shared<B: Batch> {
    batch: B,
    queue: Mutex<Queue<B>>,
    tasks: TaskTracker,
}

struct Queue<B: Batch> {
    waiting: VecDeque<Waiting<B>>,
    running: bool,
}

struct Waiting<B: Batch> {
    ask: B::Ask,
    answer: Answering<B>,
}

#[derive(Debug, thiserror::Error)]
#[error("the batch of a request ended without an answer")]
struct Unanswered;

impl<B: Batch> Batcher<B> {
    pub(crate) fn new(batch: B, tasks: TaskTracker) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), running: false });
        Self { shared: Arc::new(Shared { batch, queue, tasks }) }
    }

    /// Asks, and waits for the answer. A request whose caller has gone before its batch began is dropped.
    pub(crate) async fn ask(&self, ask: B::Ask) -> Result<B::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        if self.shared.enqueue(Waiting { ask, answer }) {
            self.shared.tasks.spawn(drain(Running(self.shared.clone())));
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable(Box::new(Unanswered))))
    }
}

impl<B: Batch> Shared<B> {
    fn queue(&self) -> MutexGuard<'_, Queue<B>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `true`: nobody answers now, the caller has to see to it.
    fn enqueue(&self, waiting: Waiting<B>) -> bool {
        let mut queue = self.queue();
        queue.waiting.push_back(waiting);
        !std::mem::replace(&mut queue.running, true)
    }

    /// What is to be answered next; `None` ends the running, in the same breath.
    fn next(&self) -> Option<Vec<Waiting<B>>> {
        let mut queue = self.queue();
        let mut grants = HashSet::new();
        let (mut batch, mut later) = (Vec::new(), VecDeque::new());
        while let Some(waiting) = queue.waiting.pop_front() {
            if waiting.answer.is_closed() {
                continue;
            }
            if !grants.insert(B::grant(&waiting.ask)) {
                later.push_back(waiting);
                continue;
            }
            batch.push(waiting);
            if batch.len() == LARGEST {
                break;
            }
        }
        later.append(&mut queue.waiting);
        queue.waiting = later;
        queue.running = !batch.is_empty();
        queue.running.then_some(batch)
    }

    async fn run(&self, asks: &[B::Ask]) -> Result<Answers<B>, Failure> {
        let mut refused = false;
        let answers = bounded(B::NAME, RUN, async {
            self.batch.run(asks).await.map_err(|error| {
                refused = matches!(error, sqlx::Error::Database(_));
                failed(error)
            })
        });
        match answers.await {
            Ok(answers) if answers.len() == asks.len() => Ok(answers),
            Ok(_) => Err(Failure { error: StoreError::Inconsistent(MISCOUNTED), refused: false }),
            Err(error) => Err(Failure { error, refused }),
        }
    }
}

/// A statement that failed as a whole.
struct Failure {
    error: StoreError,
    /// The server said so itself: then surely nothing of it took place.
    refused: bool,
}

const MISCOUNTED: &str = "a batch has more or fewer answers than requests";

/// Stands for `Queue::running`, so that a panic does not leave requests waiting for ever.
struct Running<B: Batch>(Arc<Shared<B>>);

impl<B: Batch> Drop for Running<B> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.queue();
            queue.running = false;
            queue.waiting.clear();
        }
    }
}

async fn drain<B: Batch>(running: Running<B>) {
    while let Some(batch) = running.0.next() {
        let (asks, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|w| (w.ask, w.answer)).unzip();
        match running.0.run(&asks).await {
            Ok(found) => answers.into_iter().zip(found).for_each(|(answer, found)| send::<B>(answer, found)),
            Err(failure) if asks.len() > 1 && failure.refused => one_by_one(&running.0, asks, answers),
            Err(failure) => fail_all::<B>(answers, failure.error),
        }
    }
}

/// The server refused the whole for the sake of one: the others are answered apart, and do not wait for it.
fn one_by_one<B: Batch>(shared: &Arc<Shared<B>>, asks: Vec<B::Ask>, answers: Vec<Answering<B>>) {
    for (ask, answer) in asks.into_iter().zip(answers) {
        let alone = shared.clone();
        shared.tasks.spawn(async move {
            let found = match alone.run(&[ask]).await {
                Ok(mut one) => one.pop().unwrap_or(Err(StoreError::Inconsistent(MISCOUNTED))),
                Err(failure) => Err(failure.error),
            };
            send::<B>(answer, found);
        });
    }
}

fn fail_all<B: Batch>(answers: Vec<Answering<B>>, error: StoreError) {
    let error = Arc::new(error);
    for answer in answers {
        send::<B>(answer, Err(shared(&error)));
    }
}

/// A caller that has gone needs no answer.
fn send<B: Batch>(answer: Answering<B>, found: Answer<B>) {
    let _ = answer.send(found);
}

impl<B: Batch> fmt::Debug for Batcher<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batcher({})", B::NAME)
    }
}
