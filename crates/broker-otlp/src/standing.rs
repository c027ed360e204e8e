//! Whether the collector takes what is sent: told when it changes, not each time.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::message::Signal;

/// Of each signal by itself: a collector that refuses one takes the others all the while.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    traces: Standing,
    logs: Standing,
    metrics: Standing,
}

#[derive(Debug, Default)]
struct Standing(Mutex<Known>);

/// What was told.
#[derive(Debug, Default)]
struct Known {
    /// Since the collector last took something. One that is away fails in several ways by turns.
    problems: BTreeSet<String>,
    /// That it rejects parts of what it takes.
    rejects: bool,
}

impl Standings {
    /// Notes how a delivery ended: with so many items rejected, or with a problem.
    pub(crate) fn note(&self, signal: Signal, outcome: Result<u64, &str>) {
        let standing = match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
            Signal::Metrics => &self.metrics,
        };
        let mut known = standing.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(rejected) => known.taken(signal.as_str(), rejected),
            Err(problem) => known.lost(signal.as_str(), problem),
        }
    }
}

impl Known {
    fn taken(&mut self, signal: &str, rejected: u64) {
        if !std::mem::take(&mut self.problems).is_empty() {
            tracing::info!(signal, "telemetry is taken by the collector again");
        }
        if rejected > 0 && !std::mem::replace(&mut self.rejects, true) {
            tracing::warn!(signal, rejected, "the collector takes telemetry and rejects parts of it");
        }
    }

    fn lost(&mut self, signal: &str, problem: &str) {
        if self.problems.insert(problem.to_owned()) {
            tracing::warn!(
                signal,
                problem,
                "telemetry is not taken by the collector; what finds no room is dropped"
            );
        }
    }
}
