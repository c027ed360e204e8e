//! Closed-loop load: so many requests in flight at all times, each for a random grant.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::Plan;
use crate::call::Caller;
use crate::target::{Question, is_framed};

/// Every so many replies one is decoded and compared; of the others the status and the length must be right.
const FULLY_CHECKED: u64 = 64;

/// The longest a request in flight is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Load that is being made until it is stopped.
pub(crate) struct Load {
    workers: JoinSet<()>,
    connections: JoinSet<()>,
    progress: Arc<Progress>,
}

/// How a load ended.
pub(crate) struct Failures {
    pub(crate) count: u64,
    pub(crate) first: Option<String>,
}

#[derive(Default)]
struct Progress {
    stop: AtomicBool,
    answered: AtomicU64,
    failed: AtomicU64,
    first_failure: OnceLock<String>,
}

impl Load {
    pub(crate) async fn start(address: SocketAddr, questions: &Arc<[Question]>, plan: &Plan) -> Result<Self> {
        ensure!(
            plan.connections > 0 && plan.in_flight >= plan.connections,
            "each connection needs a request in flight"
        );
        let mut load =
            Self { workers: JoinSet::new(), connections: JoinSet::new(), progress: Arc::default() };
        let mut callers = Vec::new();
        for _ in 0..plan.connections {
            let (caller, connection) = Caller::connect(address).await?;
            // A connection that fails fails the calls on it, where it is counted.
            load.connections.spawn(async move { drop(connection.await) });
            callers.push(caller);
        }
        for (seed, caller) in (1..).zip(callers.iter().cycle().take(plan.in_flight)) {
            let (questions, progress) = (Arc::clone(questions), Arc::clone(&load.progress));
            load.workers.spawn(work(caller.clone(), questions, progress, Dice(seed)));
        }
        Ok(load)
    }

    /// Requests answered rightly so far.
    pub(crate) fn answered(&self) -> u64 {
        self.progress.answered.load(Relaxed)
    }

    /// Lets the requests in flight end, and tells what went wrong.
    pub(crate) async fn stop(mut self) -> Failures {
        self.progress.stop.store(true, Relaxed);
        let ended = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            self.progress.failed(&anyhow!("no answer within {PATIENCE:?}"));
        }
        Failures {
            count: self.progress.failed.load(Relaxed),
            first: self.progress.first_failure.get().cloned(),
        }
    }
}

async fn work(mut caller: Caller, questions: Arc<[Question]>, progress: Arc<Progress>, mut dice: Dice) {
    let mut asked: u64 = 0;
    while !progress.stop.load(Relaxed) {
        asked += 1;
        let question = &questions[dice.below(questions.len())];
        let outcome = caller.call(question.frame.clone()).await;
        match outcome.and_then(|reply| check(question, &reply, asked)) {
            Ok(()) => drop(progress.answered.fetch_add(1, Relaxed)),
            Err(error) => progress.failed(&error),
        }
        // Where failures come without waiting, the others must still get their turn.
        tokio::task::consume_budget().await;
    }
}

fn check(question: &Question, reply: &Bytes, asked: u64) -> Result<()> {
    if asked.is_multiple_of(FULLY_CHECKED) {
        return question.check(reply);
    }
    ensure!(is_framed(reply), "an answer of {} bytes is not one gRPC message", reply.len());
    Ok(())
}

impl Progress {
    fn failed(&self, error: &anyhow::Error) {
        self.failed.fetch_add(1, Relaxed);
        self.first_failure.get_or_init(|| format!("{error:#}"));
    }
}

/// Xorshift: which grant is asked for next need not be a secret, but must be the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The low bits of neighbouring seeds are alike at first.
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as usize % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_is_asked_for() {
        let mut dice = Dice(1);
        let mut seen = [0_u32; 10];
        (0..10_000).for_each(|_| seen[dice.below(10)] += 1);
        assert!(seen.iter().all(|&times| (800..1_200).contains(&times)), "{seen:?}");
    }
}
