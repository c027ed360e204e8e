//! How soon watchers are told: `token-broker serve` with many streams open, against an authorization server that takes its
//! time.
//!
//! The control is a tonic server that presents refresh tokens through the same egress, keeps nothing, and tells the answer
//! on its streams. Both are measured from the provider's answer to the message on the stream, so what the broker takes holds
//! escrow and adoption too. They take turns within each round, on one core; streams, authorization server and clock are this
//! process, on another one. `cargo xtask bench` builds everything and starts this.

mod audience;
mod bare;
mod control;
mod listeners;
mod reading;
mod report;
mod rounds;
mod subject;
mod turn;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use broker_e2e::bench::Cores;
use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "watch_bench", about = "Measures how soon watchers are told")]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Measure the broker against the control
    Compare(Plan),
    /// Be the control: tell what the authorization server answers, and keep nothing
    Bare(bare::Bare),
}

/// What to measure, and for how long.
#[derive(Args)]
pub(crate) struct Plan {
    /// The release build of token-broker
    #[arg(long)]
    broker: PathBuf,
    /// 5 seconds in each turn, where they are not given
    #[arg(long)]
    short: bool,
    /// Streams that are open
    #[arg(long, default_value_t = 2_000)]
    streams: usize,
    /// HTTP/2 connections that share them
    #[arg(long, default_value_t = 20)]
    connections: usize,
    /// Rotations per second, where each stream has a grant of its own
    #[arg(long, default_value_t = 100)]
    rate: usize,
    /// Quiet rounds to measure
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds each is measured in a round [default: 15]
    #[arg(long)]
    seconds: Option<usize>,
    /// How long the authorization server takes
    #[arg(long, default_value = "20ms", value_parser = humantime::parse_duration)]
    latency: Duration,
}

impl Plan {
    pub(crate) fn seconds(&self) -> usize {
        self.seconds.unwrap_or(if self.short { 5 } else { 15 }).max(1)
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().mode) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether watchers were told in time.
fn run(mode: Mode) -> Result<bool> {
    match mode {
        Mode::Bare(bare) => bare.run().map(|()| true),
        Mode::Compare(plan) => {
            let cores = Cores::choose()?;
            cores.pin_load()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(rounds::compare(&plan, &cores))
        }
    }
}
