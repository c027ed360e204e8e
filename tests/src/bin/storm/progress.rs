//! What the storm says while it goes on.
#![expect(clippy::print_stdout, reason = "progress and report are the command's output")]

use std::cell::Cell;
use std::time::Instant;

use crate::callers::Told;
use crate::plan::Plan;

/// One line after so many kills.
const EVERY: usize = 20;

/// What goes on.
pub(crate) struct Progress {
    began: Instant,
    kills: usize,
    next_line: Cell<usize>,
}

impl Progress {
    /// The storm begins.
    pub(crate) fn begin(plan: &Plan, seed: u64, stores: &str) -> Self {
        println!(
            "storm: {} kills, {} replicas, {} grants, {stores}; seed {seed}",
            plan.kills, plan.replicas, plan.grants
        );
        Self { began: Instant::now(), kills: plan.kills, next_line: Cell::new(EVERY) }
    }

    /// Something else begins.
    pub(crate) fn say(&self, what: &str) {
        println!("{:>6.1} s  {what}", self.seconds());
    }

    /// Another kill.
    pub(crate) fn killed(&self, done: usize, lost: usize, rotations: usize, told: &Told) {
        if done < self.next_line.get() && done < self.kills {
            return;
        }
        self.next_line.set(done + EVERY);
        println!(
            "{:>6.1} s  {done:>4} of {} kills, {rotations:>6} rotations, {:>6} tokens vended, {:>5} calls refused, {lost:>3} lost",
            self.seconds(),
            self.kills,
            told.vended,
            told.refused
        );
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}
