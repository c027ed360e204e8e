//! `cargo xtask bench`: builds the load generators and the server in release mode, and measures.

use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::servers::Servers;
use crate::workspace::Workspace;

/// What to measure, and for how long.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Fewer grants and rounds: about four minutes for both on a quiet machine
    #[arg(long)]
    short: bool,
    /// Measure only one of the two
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// Only measure the bare gRPC server against itself: shows the noise of this machine
    #[arg(long)]
    bare_only: bool,
    /// Arguments for the load generator, after `--`; they go with --only
    #[arg(last = true, requires = "only", value_name = "LOAD GENERATOR ARGUMENTS")]
    rest: Vec<String>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// What a vended token costs
    Vend,
    /// What a rotation costs
    Rotation,
}

/// Builds, then measures: what a vended token costs, then what a rotation costs.
pub(crate) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<ExitCode> {
    if args.only != Some(Only::Rotation) && !vend(workspace, args)?.success() {
        return Ok(ExitCode::FAILURE);
    }
    if args.only != Some(Only::Vend) && !args.bare_only && !rotation(workspace, args)?.success() {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn vend(workspace: &Workspace, args: &BenchArgs) -> Result<ExitStatus> {
    build(workspace, &["--package", "broker-e2e", "--bin", "vend_bench"])?;
    let mut bench = load_generator(workspace, "vend_bench", args);
    if !args.bare_only {
        bench.arg("--broker").arg(broker(workspace)?);
    }
    bench.args(&args.rest).status().context("cannot start the load generator")
}

/// Measured on SQLite and on a Postgres of its own.
fn rotation(workspace: &Workspace, args: &BenchArgs) -> Result<ExitStatus> {
    build(workspace, &["--package", "broker-e2e", "--bin", "rotation_bench"])?;
    let mut bench = load_generator(workspace, "rotation_bench", args);
    bench.arg("--broker").arg(broker(workspace)?);
    let postgres = Servers::durable_postgres(workspace)?;
    eprintln!("{}", postgres.described());
    for (_, url) in postgres.variables() {
        bench.args(["--database", url]);
    }
    bench.args(&args.rest).status().context("cannot start the load generator")
}

fn load_generator(workspace: &Workspace, name: &str, args: &BenchArgs) -> Command {
    let mut bench = Command::new(workspace.target_dir().join("release").join(name));
    bench.arg("compare").current_dir(workspace.root());
    if args.short {
        bench.arg("--short");
    }
    bench
}

/// The broker, built.
fn broker(workspace: &Workspace) -> Result<PathBuf> {
    build(workspace, &["--package", "broker-server", "--bin", "token-broker"])?;
    Ok(workspace.target_dir().join("release/token-broker"))
}

fn build(workspace: &Workspace, what: &[&str]) -> Result<()> {
    let status = workspace.command("cargo").args(["build", "--release", "--locked"]).args(what).status()?;
    ensure!(status.success(), "cannot build what is to be measured: see the compiler's messages above");
    Ok(())
}
