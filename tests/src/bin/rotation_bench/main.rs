//! What a rotation costs: `token-broker serve` with every grant due at all times, against an authorization server that
//! takes its time.
//!
//! The control presents refresh tokens through the same egress with as many in flight, and keeps nothing: what remains
//! is what claim, SENT, escrow and adoption cost. Control and stores take turns within each round. Nothing is pinned to a
//! core: the broker, Postgres and the authorization server (this process) share them. `cargo xtask bench` builds
//! everything and starts this.

mod bare;
mod broker;
mod database;
mod report;
mod rounds;
mod subject;
mod turn;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use url::Url;

#[derive(Parser)]
#[command(name = "rotation_bench", about = "Measures what a rotation costs")]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Measure the broker on each store against the control
    Compare(Plan),
    /// Be the control: present refresh tokens and keep nothing
    Bare(bare::Bare),
}

/// What to measure, and for how long.
#[derive(Args)]
pub(crate) struct Plan {
    /// The release build of token-broker
    #[arg(long)]
    broker: PathBuf,
    /// An empty Postgres database whose commits wait for the disk; without one only SQLite is measured
    #[arg(long)]
    database: Option<Url>,
    /// 4,000 grants and 3 rounds, where these are not given
    #[arg(long)]
    short: bool,
    /// Grants on each store [default: 20,000]
    #[arg(long)]
    grants: Option<usize>,
    /// Quiet rounds to measure [default: 5]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds each is measured in a round
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rotations in flight: the broker's max_in_flight
    #[arg(long, default_value_t = 640)]
    in_flight: usize,
    /// How long the authorization server takes
    #[arg(long, default_value = "200ms", value_parser = humantime::parse_duration)]
    latency: Duration,
}

impl Plan {
    pub(crate) fn grants(&self) -> usize {
        self.grants.unwrap_or(if self.short { 4_000 } else { 20_000 }).max(1)
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.short { 3 } else { 5 }).max(1)
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mode: Mode) -> Result<()> {
    match mode {
        Mode::Bare(bare) => bare.run(),
        Mode::Compare(plan) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(rounds::compare(&plan))
        }
    }
}
