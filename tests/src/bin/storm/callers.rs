//! Callers that vend all the time, at whichever replica answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use broker_e2e::{Client, Dice, ask};
use provider_sim::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::fleet::Fleet;
use crate::grants::Subject;
use crate::plan::Plan;

/// A call that takes longer is given up.
const CALL: Duration = Duration::from_secs(5);

/// What the callers were told.
#[derive(Default)]
pub(crate) struct Told {
    /// When a generation of a grant was first vended, in microseconds since 1970.
    pub(crate) first_vended: HashMap<(u128, u64), u64>,
    pub(crate) vended: usize,
    /// Answers without a token, and calls without an answer.
    pub(crate) refused: usize,
}

/// What the callers share.
pub(crate) struct Callers {
    fleet: Arc<Fleet>,
    subjects: Arc<[Subject]>,
    clock: Clock,
    pause: Duration,
    replicas: usize,
    told: Mutex<Told>,
}

impl Callers {
    /// Starts them. They end with `stop`.
    pub(crate) fn start(
        plan: &Plan,
        fleet: &Arc<Fleet>,
        subjects: &Arc<[Subject]>,
        clock: &Clock,
        dice: &mut Dice,
        stop: &CancellationToken,
    ) -> (Arc<Self>, JoinSet<()>) {
        let callers = Arc::new(Self {
            fleet: Arc::clone(fleet),
            subjects: Arc::clone(subjects),
            clock: clock.clone(),
            pause: plan.call_pause,
            replicas: plan.replicas,
            told: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for _ in 0..plan.callers * plan.replicas {
            let (callers, dice, stop) = (Arc::clone(&callers), dice.split(), stop.clone());
            tasks.spawn(async move {
                stop.run_until_cancelled(callers.call(dice)).await;
            });
        }
        (callers, tasks)
    }

    /// What they were told so far.
    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call(&self, mut dice: Dice) {
        loop {
            let subject = &self.subjects[dice.below(self.subjects.len())];
            if let Some(client) = self.fleet.client(dice.below(self.replicas)) {
                self.vend(&client, subject).await;
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    async fn vend(&self, client: &Client, subject: &Subject) {
        let answer = tokio::time::timeout(CALL, client.token(ask(&subject.key))).await;
        let now = self.clock.micros();
        let mut told = self.told();
        match answer {
            Ok(Ok(token)) => {
                told.vended += 1;
                told.first_vended.entry((subject.grant, token.generation)).or_insert(now);
            }
            Ok(Err(_)) | Err(_) => told.refused += 1,
        }
    }
}
