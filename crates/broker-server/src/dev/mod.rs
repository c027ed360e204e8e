//! `token-broker dev`: the whole broker on this machine, with simulators for providers. What a newcomer sees first.

mod house;
mod probe;
mod provider;
mod table;
mod walk;

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use self::house::House;
use self::walk::Walk;
use crate::stop::StopSignals;
use crate::{Running, Surroundings, serve, telemetry};

/// Flags of `token-broker dev`.
#[derive(Args)]
pub(crate) struct DevArgs {
    /// Keep store, key, escrow and the simulators' state here; a second start goes on where the first ended
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Walk through everything once, check that it worked, print one token line per provider, and end
    #[arg(long)]
    once: bool,
    /// Log at this level instead of `warn`; beside a live table into `broker.log` of the data directory
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log: String,
}

/// Runs the broker, the simulators and the walk. A temporary directory goes whenever and however this ends.
pub(crate) async fn run(args: DevArgs) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    let opening = House::open(args.data.as_deref(), args.once);
    let Some(house) = stop.unless_asked(opening).await.transpose()? else { return stopped(&args) };
    let ended = live(&house, &args, &mut stop).await;
    house.close().await?;
    ended
}

async fn live(house: &House, args: &DevArgs, stop: &mut StopSignals) -> anyhow::Result<()> {
    let config = house.config(&args.log)?;
    telemetry::init(&config.log, log_file(house, args.once)?)?;
    let starting = serve::start(&config, Surroundings::of_this_machine());
    let Some(running) = stop.unless_asked(starting).await.transpose()? else { return stopped(args) };
    let shown = stop.unless_asked(show(house, &running, args.once)).await;
    running.shutdown_unless(stop.asked()).await;
    shown.unwrap_or_else(|| stopped(args))
}

/// A log line would tear the live table apart, so beside one the log goes to a file.
fn log_file(house: &House, once: bool) -> anyhow::Result<Option<File>> {
    if once || !std::io::stdout().is_terminal() {
        return Ok(None);
    }
    let path = house.directory().join("broker.log");
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    Ok(Some(file.with_context(|| format!("cannot write the log to {}", path.display()))?))
}

async fn show(house: &House, running: &Running, once: bool) -> anyhow::Result<()> {
    say(format!("{}\n", running.addresses_json()))?;
    say(house.introduction(running))?;
    let walk = Walk::begin(running.grpc).await?;
    let mut checked = Vec::new();
    for provider in house.providers() {
        checked.push(
            walk.provider(provider).await.with_context(|| format!("the {} walk failed", provider.name))?,
        );
    }
    if once {
        return checked.iter().try_for_each(|token| say(token.line()));
    }
    say(house::invitation(running.grpc))?;
    table::watch(&walk).await
}

/// To be asked to end is no failure, except of a walk that was to be seen through.
fn stopped(args: &DevArgs) -> anyhow::Result<()> {
    if args.once { bail!("asked to end before the walk was over") } else { Ok(()) }
}

fn say(text: impl AsRef<str>) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_ref().as_bytes())?;
    Ok(stdout.flush()?)
}
