//! What a vended token costs: `token-broker serve` against a bare gRPC server that answers the same bytes.
//!
//! Both are separate processes on one core, this process makes the load on another one. They take turns within each
//! round, so that what the machine does meanwhile hits both; the figure to steer by is the ratio of their CPU time per
//! request, which hardly moves with load. `cargo xtask bench` builds everything and starts this.

mod bare;
mod broker;
mod call;
mod consent;
mod load;
mod report;
mod rounds;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use broker_e2e::bench::Cores;
use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "vend_bench", about = "Measures what a vended token costs")]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Measure the broker against the bare server
    Compare(Plan),
    /// Be the bare server: a gRPC server that answers every GetAccessToken with the same bytes
    Bare {
        /// The encoded GetAccessTokenResponse to answer
        #[arg(long)]
        reply: PathBuf,
    },
}

/// What to measure, and for how long.
#[derive(Args)]
pub(crate) struct Plan {
    /// The release build of token-broker; without one the bare server is measured against itself
    #[arg(long)]
    broker: Option<PathBuf>,
    /// 2,000 grants and 5 rounds, where these are not given
    #[arg(long)]
    short: bool,
    /// Grants to prepare; each request asks for a random one [default: 20,000]
    #[arg(long)]
    grants: Option<usize>,
    /// Quiet rounds to measure [default: 9]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds each server is measured in a round
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Requests in flight
    #[arg(long, default_value_t = 32)]
    in_flight: usize,
    /// HTTP/2 connections that share them
    #[arg(long, default_value_t = 1)]
    connections: usize,
}

impl Plan {
    pub(crate) fn grants(&self) -> usize {
        self.grants.unwrap_or(if self.short { 2_000 } else { 20_000 }).max(1)
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.short { 5 } else { 9 }).max(1)
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
        Mode::Bare { reply } => bare::serve(&reply),
        Mode::Compare(plan) => {
            let cores = Cores::choose()?;
            cores.pin_load()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(rounds::compare(&plan, &cores))
        }
    }
}
