//! What `cargo xtask test` prints itself.
#![expect(clippy::print_stdout, reason = "these lines are the command's output")]

use std::process::ExitCode;

use crate::runner::Ended;
use crate::steps::Step;

/// One line per step: its name and what it runs.
pub(crate) fn list(steps: &[Step]) -> ExitCode {
    for step in steps {
        println!("{:<15} {}", step.name, step.runs);
    }
    ExitCode::SUCCESS
}

pub(crate) fn started(number: usize, of: usize, step: &Step) {
    println!("\n[{number}/{of}] {}: {}", step.name, step.runs);
}

pub(crate) fn ended(number: usize, of: usize, step: &Ended) {
    println!("[{number}/{of}] {}", line(step));
}

/// What failed steps said of their trouble, once more; then all steps at one glance, and the verdict.
pub(crate) fn table(steps: &[Ended], ci: bool) {
    for step in steps.iter().filter(|step| !step.outcome.said().is_empty()) {
        println!("\n{} said:", step.name);
        step.outcome.said().iter().for_each(|line| println!("  {line}"));
    }
    println!("\nsummary");
    for step in steps {
        println!("  {}", line(step));
    }
    println!("{}", verdict(steps, ci));
}

fn line(step: &Ended) -> String {
    let seconds = step.took.as_secs_f64();
    let line =
        format!("{:<15} {:<8} {seconds:>7.1}s  {}", step.name, step.outcome.word(), step.outcome.remark());
    line.trim_end().to_owned()
}

fn verdict(steps: &[Ended], ci: bool) -> String {
    let count = |word: &str| steps.iter().filter(|step| step.outcome.word() == word).count();
    let failed = steps.iter().any(|step| step.outcome.is_failure(ci));
    let seconds: f64 = steps.iter().map(|step| step.took.as_secs_f64()).sum();
    format!(
        "{}: {} ok, {} failed, {} skipped in {seconds:.1}s",
        if failed { "FAILED" } else { "ok" },
        count("ok"),
        count("FAILED"),
        count("SKIPPED"),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outcome::Outcome;

    fn ended(outcome: Outcome) -> Ended {
        Ended { name: "deny", outcome, took: Duration::from_millis(1500) }
    }

    #[test]
    fn a_line_says_result_time_and_remark() {
        assert_eq!(
            line(&ended(Outcome::failed("exit status: 1"))),
            "deny            FAILED       1.5s  exit status: 1"
        );
        assert_eq!(line(&ended(Outcome::PASSED)), "deny            ok           1.5s");
    }

    #[test]
    fn a_skipped_step_decides_the_verdict_only_in_ci() {
        let steps = [ended(Outcome::Skipped { install: String::new() })];
        assert_eq!(verdict(&steps, false), "ok: 0 ok, 0 failed, 1 skipped in 1.5s");
        assert_eq!(verdict(&steps, true), "FAILED: 0 ok, 0 failed, 1 skipped in 1.5s");
    }
}
