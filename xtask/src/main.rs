//! The project's own commands: `cargo xtask test` is what CI runs, `cargo xtask bench` measures, `cargo xtask chaos`
//! kills, `cargo xtask upgrade` runs two versions side by side, `cargo xtask alerts` judges alerts and dashboards,
//! `cargo xtask pages` shows what browsers see.

mod alerts;
mod base;
mod bench;
mod chaos;
#[cfg(test)]
mod image;
mod outcome;
mod pages;
#[cfg(test)]
mod papers;
mod runner;
mod servers;
mod sqlx_data;
mod steps;
mod summary;
mod trouble;
mod upgrade;
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
    /// Measure what a vended token and what a rotation cost, each against a bare control
    Bench(bench::BenchArgs),
    /// Renew the data that SQL is checked against when no database is at hand
    SqlxData(sqlx_data::SqlxDataArgs),
    /// Kill the broker's processes hundreds of times while they rotate, and judge what that cost
    Chaos(chaos::ChaosArgs),
    /// Build the version before, and check that it and this one share a database
    Upgrade(upgrade::UpgradeArgs),
    /// Judge alerts, their scenarios and the dashboards with a Prometheus
    Alerts,
    /// Take pictures of every page a browser may see, with a headless Chromium
    Pages,
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
        Task::SqlxData(args) => sqlx_data::run(&workspace, &args),
        Task::Chaos(args) => chaos::run(&workspace, &args),
        Task::Upgrade(args) => upgrade::run(&workspace, &args),
        Task::Alerts => alerts::run(&workspace),
        Task::Pages => pages::run(&workspace),
    }
}
