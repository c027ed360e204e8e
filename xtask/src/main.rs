//! The project's own commands: `cargo xtask test` is what CI runs, `cargo xtask bench` measures.

mod base;
mod bench;
mod outcome;
mod runner;
mod steps;
mod summary;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check a change must pass, in order, and show a summary
    Test(TestArgs),
    /// Measure the server's cost per request against a bare gRPC server
    Bench(bench::BenchArgs),
}

#[derive(Args)]
struct TestArgs {
    /// Run only these steps, comma separated (names: see --list)
    #[arg(long, value_delimiter = ',', value_name = "STEP")]
    only: Vec<String>,
    /// List the steps and what they run
    #[arg(long)]
    list: bool,
    /// Arguments for `cargo test`, after `--`
    #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
    cargo_test: Vec<String>,
}

fn main() -> ExitCode {
    run(Cli::parse().task).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Test(args) if args.list => Ok(summary::list(steps::ALL)),
        Task::Test(args) => Ok(runner::run(&workspace, &steps::select(&args.only)?, &args.cargo_test)),
        Task::Bench(args) => bench::run(&workspace, &args),
    }
}
