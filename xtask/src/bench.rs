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
    /// Fewer grants and rounds, shorter turns: about six minutes for all on a quiet machine
    #[arg(long)]
    short: bool,
    /// Measure only one of them
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
    /// How soon watchers are told of a rotation
    Watch,
    /// What attackers cost good clients
    Abuse,
    /// How soon a started process is ready, and how big it is
    Start,
}

/// Builds, then measures: what a vended token costs, what a rotation costs, how soon watchers are told, what attackers cost
/// good clients, and how soon a process is ready.
pub(crate) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<ExitCode> {
    let is_wanted = |what| args.only.is_none_or(|only| only == what);
    if is_wanted(Only::Vend) && !vend(workspace, args)?.success() {
        return Ok(ExitCode::FAILURE);
    }
    if is_wanted(Only::Rotation) && !args.bare_only && !rotation(workspace, args)?.success() {
        return Ok(ExitCode::FAILURE);
    }
    if is_wanted(Only::Watch) && !args.bare_only && !watch(workspace, args)?.success() {
        return Ok(ExitCode::FAILURE);
    }
    if is_wanted(Only::Abuse) && !args.bare_only && !abuse(workspace, args)?.success() {
        return Ok(ExitCode::FAILURE);
    }
    if is_wanted(Only::Start) && !args.bare_only && !start(workspace, args)?.success() {
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

/// Measured on SQLite.
fn watch(workspace: &Workspace, args: &BenchArgs) -> Result<ExitStatus> {
    build(workspace, &["--package", "broker-e2e", "--bin", "watch_bench"])?;
    let mut bench = load_generator(workspace, "watch_bench", args);
    bench.arg("--broker").arg(broker(workspace)?);
    bench.args(&args.rest).status().context("cannot start the load generator")
}

/// Measured on SQLite.
fn abuse(workspace: &Workspace, args: &BenchArgs) -> Result<ExitStatus> {
    build(workspace, &["--package", "broker-e2e", "--bin", "abuse_bench"])?;
    let mut bench = load_generator(workspace, "abuse_bench", args);
    bench.arg("--broker").arg(broker(workspace)?);
    bench.args(&args.rest).status().context("cannot start the load generator")
}

/// Measured on a Postgres of its own, which the program brings itself, and of the broker that the image ships.
fn start(workspace: &Workspace, args: &BenchArgs) -> Result<ExitStatus> {
    build(workspace, &["--package", "broker-e2e", "--bin", "start_bench"])?;
    let mut bench = load_generator(workspace, "start_bench", args);
    bench.arg("--broker").arg(shipped_broker(workspace)?);
    bench.args(&args.rest).status().context("cannot start the measurement")
}

/// The broker of the image, built as `deploy/Dockerfile` does.
fn shipped_broker(workspace: &Workspace) -> Result<PathBuf> {
    let package = ["--package", "broker-server", "--bin", "token-broker", "--no-default-features"];
    build_with("image", workspace, &package)?;
    Ok(workspace.target_dir().join("image/token-broker"))
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
    build_with("release", workspace, what)
}

fn build_with(profile: &str, workspace: &Workspace, what: &[&str]) -> Result<()> {
    let status =
        workspace.command("cargo").args(["build", "--locked", "--profile", profile]).args(what).status()?;
    ensure!(status.success(), "cannot build what is to be measured: see the compiler's messages above");
    Ok(())
}
