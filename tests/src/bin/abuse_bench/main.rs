//! What attackers cost good clients: `token-broker serve` vends, with and without an attack, in turns within each round.
//!
//! The servers, one in plaintext and one over TLS, are on one core; good clients and attackers are this process, on another
//! one, where attackers give way to good clients. `cargo xtask bench` builds everything and starts this.

mod attack;
mod attacker;
mod front;
mod good;
mod report;
mod rounds;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use broker_e2e::bench::Cores;
use clap::{Args, Parser, Subcommand, ValueEnum as _};
use rustix::io::fcntl_dupfd_cloexec;

use crate::attack::Attack;

#[derive(Parser)]
#[command(name = "abuse_bench", about = "Measures what attackers cost good clients")]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Measure each attack against peace
    Compare(Plan),
}

/// What to measure, and for how long.
#[derive(Args)]
pub(crate) struct Plan {
    /// The release build of token-broker
    #[arg(long)]
    broker: PathBuf,
    /// Fewer rounds and shorter turns
    #[arg(long)]
    short: bool,
    /// Rounds of each attack [default: 7, short: 5]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each turn [default: 6, short: 3]
    #[arg(long)]
    seconds: Option<u64>,
    /// Good calls a second
    #[arg(long, default_value_t = 500)]
    rate: u32,
    /// This attack alone; may be repeated
    #[arg(long)]
    attack: Vec<Attack>,
}

impl Plan {
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.short { 5 } else { 7 }).max(1)
    }

    pub(crate) fn attacks(&self) -> &[Attack] {
        if self.attack.is_empty() { Attack::value_variants() } else { &self.attack }
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.seconds.unwrap_or(if self.short { 3 } else { 6 }).max(1)
    }
}

fn main() -> ExitCode {
    let Mode::Compare(plan) = Cli::parse().mode;
    match run(&plan) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every attack cost no more than it may.
fn run(plan: &Plan) -> Result<bool> {
    let cores = Cores::choose()?;
    cores.pin_load()?;
    make_room_for_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(rounds::compare(plan, &cores))
}

/// More than all attackers have at once: the kernel would make more room while good clients are timed.
fn make_room_for_files() -> Result<()> {
    fcntl_dupfd_cloexec(std::io::stderr(), 4095).context("4,096 files must be allowed: ulimit -n 4096")?;
    Ok(())
}
