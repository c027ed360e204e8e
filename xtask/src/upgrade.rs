//! `cargo xtask upgrade`: builds the version before this one, and runs both on one database.

mod previous;
mod rules;
mod told_apart;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::previous::Previous;
use crate::workspace::Workspace;

/// Tells the tests where the version before is.
const VARIABLE: &str = "TOKEN_BROKER_PREVIOUS";

const TESTS: &[&str] = &["test", "--workspace", "--test", "e2e", "--locked", "upgrade::"];

/// What to check.
#[derive(Args)]
pub(crate) struct UpgradeArgs {
    /// Only check the new migrations: what they take away, and that no old one was changed
    #[arg(long)]
    migrations: bool,
    /// Arguments for the test program, after `--`
    #[arg(last = true, value_name = "TEST ARGUMENTS")]
    rest: Vec<String>,
}

/// Checks the migrations since the version before, builds it, and runs the tests that need it.
pub(crate) fn run(workspace: &Workspace, args: &UpgradeArgs) -> Result<ExitCode> {
    let previous = Previous::find(workspace)?;
    check_migrations(workspace, &previous)?;
    if args.migrations {
        return Ok(ExitCode::SUCCESS);
    }
    let binary = previous.build(workspace)?;
    test(workspace, &binary, &args.rest)
}

fn check_migrations(workspace: &Workspace, previous: &Previous) -> Result<()> {
    let changed = previous.changed_migrations(workspace)?;
    ensure!(
        changed.is_empty(),
        "released migrations are never changed: put back {}, and write what is new into a new file",
        changed.join(", ")
    );
    let mut problems = Vec::new();
    for file in previous.new_postgres_migrations(workspace)? {
        let sql = std::fs::read_to_string(workspace.root().join(&file))
            .with_context(|| format!("cannot read {file}"))?;
        problems.extend(rules::broken_by(&sql).into_iter().map(|problem| format!("{file}: {problem}")));
    }
    ensure!(problems.is_empty(), "docs/upgrading.md forbids this:\n  {}", problems.join("\n  "));
    Ok(())
}

fn test(workspace: &Workspace, binary: &Path, rest: &[String]) -> Result<ExitCode> {
    let mut cargo = workspace.command("cargo");
    cargo.args(TESTS).args(["--", "--ignored", "--test-threads", "2"]).args(rest);
    let status = cargo.env(VARIABLE, binary).status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
