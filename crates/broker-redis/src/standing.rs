//! Whether Redis works, put together from its two connections.

use std::sync::{Arc, Mutex, PoisonError};

use broker_core::Clock;
use broker_core::ports::CoordinationHealth;

use crate::problem::Problem;

/// One of the two connections.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Commands,
    Subscription,
}

/// The last problem of each connection.
pub(crate) struct Standing {
    clock: Arc<dyn Clock>,
    health: Arc<CoordinationHealth>,
    problems: Mutex<[Option<Problem>; 2]>,
}

impl Standing {
    /// Nothing works yet.
    pub(crate) fn new(clock: Arc<dyn Clock>, health: Arc<CoordinationHealth>) -> Self {
        health.set(Some(Problem::NotYet.name()), clock.now());
        Self { clock, health, problems: Mutex::new([Some(Problem::NotYet); 2]) }
    }

    /// What that connection's last use showed; `None`: it works.
    pub(crate) fn note(&self, part: Part, problem: Option<Problem>) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        problems[part as usize] = problem;
        let worst = problem.or(problems[0]).or(problems[1]);
        // Under the lock, so that two connections report in the order in which they changed.
        if self.health.set(worst.map(Problem::name), self.clock.now()) {
            match worst {
                Some(problem) => tracing::warn!(%problem, "Redis is not usable; the store alone decides"),
                None => tracing::info!("Redis is usable"),
            }
        }
    }

    /// Whether commands failed when last tried.
    pub(crate) fn commands_fail(&self) -> bool {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)[Part::Commands as usize].is_some()
    }
}
