//! `cargo xtask bench`: builds the load generator and the server in release mode, and measures.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::workspace::Workspace;

/// What to measure, and for how long.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// 2,000 grants and 5 rounds: about two minutes on a quiet machine
    #[arg(long)]
    short: bool,
    /// Only measure the bare server against itself: shows the noise of this machine
    #[arg(long)]
    bare_only: bool,
    /// Arguments for the load generator, after `--`
    #[arg(last = true, value_name = "LOAD GENERATOR ARGUMENTS")]
    rest: Vec<String>,
}

/// Builds, then runs the load generator in our place.
pub(crate) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<ExitCode> {
    build(workspace, &["--package", "broker-e2e", "--bin", "vend_bench"])?;
    let release = workspace.target_dir().join("release");
    let mut bench = Command::new(release.join("vend_bench"));
    bench.arg("compare").current_dir(workspace.root());
    if !args.bare_only {
        build(workspace, &["--package", "broker-server", "--bin", "token-broker"])?;
        bench.arg("--broker").arg(release.join("token-broker"));
    }
    if args.short {
        bench.arg("--short");
    }
    let status = bench.args(&args.rest).status().context("cannot start the load generator")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn build(workspace: &Workspace, what: &[&str]) -> Result<()> {
    let status = workspace.command("cargo").args(["build", "--release", "--locked"]).args(what).status()?;
    ensure!(status.success(), "cannot build what is to be measured: see the compiler's messages above");
    Ok(())
}
