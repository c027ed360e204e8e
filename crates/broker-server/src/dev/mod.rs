//! `token-broker dev`: the whole broker on this machine, with simulators for providers. What a newcomer sees first.

mod house;
mod probe;
mod provider;
mod table;
mod walk;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use self::house::House;
use self::walk::Walk;
use crate::{Surroundings, serve, telemetry};

/// Flags of `token-broker dev`.
#[derive(Args)]
pub(crate) struct DevArgs {
    /// Keep store, key, escrow and the simulators' state here; a second start goes on where the first ended
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Walk through everything once, check that it worked, print one token line per provider, and end
    #[arg(long)]
    once: bool,
    /// Log at this level instead of `warn`
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log: String,
}

/// Runs the broker, the simulators and the walk.
pub(crate) async fn run(args: DevArgs) -> anyhow::Result<()> {
    let house = House::open(args.data.as_deref(), args.once).await?;
    let config = house.config(&args.log)?;
    telemetry::init(&config.log)?;
    let running = serve::start(&config, Surroundings::of_this_machine()).await?;
    say(format!("{}\n", running.addresses_json()))?;
    say(format!("data   {}\n", house.directory().display()))?;
    say(format!("broker http://{}  (gRPC; probes on http://{})\n", running.grpc, running.http))?;

    let walk = Walk::begin(running.grpc).await?;
    let mut checked = Vec::new();
    for provider in house.providers() {
        checked.push(
            walk.provider(provider).await.with_context(|| format!("the {} walk failed", provider.name))?,
        );
    }
    if args.once {
        for token in &checked {
            say(token.line())?;
        }
    } else {
        say(house::invitation(running.grpc))?;
        tokio::select! {
            watched = table::watch(&walk) => watched?,
            stopped = serve::stop_signal() => stopped?,
        }
    }
    running.shutdown().await;
    house.close().await
}

fn say(text: impl AsRef<str>) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_ref().as_bytes())?;
    Ok(stdout.flush()?)
}
