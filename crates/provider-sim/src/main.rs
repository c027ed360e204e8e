//! `provider-sim`: both simulated providers on two addresses.

mod cli;
mod configure;

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use clap::Parser as _;
use provider_sim::{Clock, Simulator};
use tokio::signal::unix::{SignalKind, signal};

use cli::Args;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(args.log.as_str())
        .init();
    if let Some(directory) = &args.state {
        std::fs::create_dir_all(directory).context("cannot create the state directory")?;
    }
    // Both are caught before the first line says that the simulators run.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let clock = Clock::system();
    let evercam = Simulator::evercam(configure::evercam(&args)).with_clock(clock.clone());
    let evercam = evercam.bind(&args.evercam).await.context("Evercam")?;
    let eagle_eye = Simulator::eagle_eye(configure::eagle_eye(&args)).with_clock(clock);
    let eagle_eye = eagle_eye.bind(&args.eagle_eye).await.context("Eagle Eye Networks")?;
    announce(&evercam.base_url(), &eagle_eye.base_url())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::join!(evercam.shutdown(), eagle_eye.shutdown());
    Ok(())
}

/// The first line of standard output says where the simulators listen.
fn announce(evercam: &str, eagle_eye: &str) -> anyhow::Result<()> {
    let line = serde_json::json!({ "evercam": evercam, "eagle_eye": eagle_eye });
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}
