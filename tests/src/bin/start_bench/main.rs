//! How soon `token-broker serve` is ready on a Postgres with many grants, what it needs of memory while it idles, and how big
//! its program is.
//!
//! Each start is timed from the start of the process to the first 200 of `/readyz`. Nothing is pinned to a core, and there is
//! no control: the figures are those of this machine. `cargo xtask bench --only start` builds everything and starts this.

mod figures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use broker_e2e::bench::Spread;
use broker_e2e::{Fleet, Site, http};
use clap::{Args, Parser, Subcommand};

use self::figures::{Figure, resident};

/// Memory is measured this long after the last start.
const IDLE: Duration = Duration::from_secs(5);
/// Between two questions whether it is ready.
const PAUSE: Duration = Duration::from_millis(1);

const MOST_MILLIS: f64 = 300.0;
const MOST_RESIDENT: f64 = 40.0;
const MOST_ON_DISK: f64 = 30.0;

#[derive(Parser)]
#[command(name = "start_bench", about = "Measures how soon a started broker is ready, and how big it is")]
struct Cli {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Measure
    Compare(Plan),
}

/// What to measure.
#[derive(Args)]
struct Plan {
    /// The release build of token-broker
    #[arg(long)]
    broker: PathBuf,
    /// 5 starts, where they are not given
    #[arg(long)]
    short: bool,
    /// Grants in the store
    #[arg(long, default_value_t = 10_000)]
    grants: usize,
    /// Starts to time [default: 20]
    #[arg(long)]
    starts: Option<usize>,
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

/// Whether every figure is within its bound.
fn run(plan: &Plan) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut figures = runtime.block_on(started(plan))?;
    figures.push(Figure::new("program on disk, stripped", stripped(&plan.broker)?, "MB", MOST_ON_DISK));
    figures.iter().for_each(|figure| eprintln!("{figure}"));
    Ok(figures.iter().all(Figure::is_within))
}

async fn started(plan: &Plan) -> Result<Vec<Figure>> {
    let binary = plan.broker.to_str().context("the path of the broker is no text")?;
    let mut fleet = Fleet::plan(binary).children().replicas(1).start().await;
    fleet.consents(Site::Strict, 0..1).await;
    fleet.database.multiply_grants(plan.grants).await;
    let mut took = Vec::new();
    for _ in 0..plan.starts.unwrap_or(if plan.short { 5 } else { 20 }).max(1) {
        fleet.take(0).stop().await;
        let began = Instant::now();
        fleet.restart(0).await;
        while http::get(fleet.replica(0).http(), "/readyz", "").await.0 != 200 {
            tokio::time::sleep(PAUSE).await;
        }
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    tokio::time::sleep(IDLE).await;
    let memory = resident(fleet.replica(0).pid())?;
    fleet.close().await;
    let took = Spread::of(took);
    let text = format!("start to ready among {} grants, fastest {:.0}, slowest", plan.grants, took.min);
    Ok(vec![
        Figure::new("start to ready, median", took.median, "ms", MOST_MILLIS),
        Figure::new(&text, took.max, "ms", MOST_MILLIS),
        Figure::new("resident while idle", memory, "MB", MOST_RESIDENT),
    ])
}

/// MB of the program without its symbols.
fn stripped(broker: &Path) -> Result<f64> {
    let bare = tempfile::NamedTempFile::new()?;
    let status = Command::new("strip").arg("-o").arg(bare.path()).arg(broker).status();
    ensure!(status.context("cannot start strip; install binutils")?.success(), "cannot strip the program");
    Ok(figures::megabytes(fs::metadata(bare.path())?.len()))
}
