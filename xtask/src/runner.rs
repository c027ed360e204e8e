//! Runs the steps one after another; a failed one does not stop the rest.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::outcome::Outcome;
use crate::steps::Step;
use crate::summary;
use crate::workspace::Workspace;

/// A step that has ended.
pub(crate) struct Ended {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// Runs `steps`, shows the summary and answers with the exit code: 1 when anything failed.
pub(crate) fn run(workspace: &Workspace, steps: &[&Step], cargo_test: &[String]) -> ExitCode {
    let ci = env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    let ended: Vec<_> = (1..)
        .zip(steps)
        .map(|(number, step)| {
            summary::started(number, steps.len(), step);
            let ended = run_one(workspace, step, cargo_test);
            summary::ended(number, steps.len(), &ended);
            ended
        })
        .collect();
    summary::table(&ended, ci);
    match ended.iter().any(|step| step.outcome.is_failure(ci)) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn run_one(workspace: &Workspace, step: &Step, cargo_test: &[String]) -> Ended {
    let start = Instant::now();
    let outcome = step.run(workspace, cargo_test);
    Ended { name: step.name, outcome, took: start.elapsed() }
}
