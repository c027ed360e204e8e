//! The storm: replicas of the broker rotate hundreds of grants while they are killed at random moments, over and over.
//!
//! Afterwards it is judged from evidence alone: what the providers saw, what lay in a dead replica's escrow before it
//! was started again, what the store kept, and what the broker says of each grant. `cargo xtask chaos` builds
//! everything and starts this.

mod callers;
mod evidence;
mod fleet;
mod frozen;
mod grants;
mod judge;
mod killer;
mod plan;
mod profile;
mod progress;
mod providers;
mod replica;
mod report;
mod scene;
mod servers;
mod settings;
mod settle;
mod slow_adoption;
mod stores;
mod storm;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use crate::plan::Plan;
use crate::servers::Servers;

fn main() -> ExitCode {
    match run(&Plan::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: &Plan) -> anyhow::Result<ExitCode> {
    let servers = start_servers(plan)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).on_thread_start(give_way).enable_all().build()?;
    // On this thread, which gives way to nobody, and starts the replicas: they do not either.
    runtime.block_on(storm::run(plan, &servers))
}

/// From threads that give way to nobody: what a thread starts is as nice as the thread.
fn start_servers(plan: &Plan) -> anyhow::Result<Servers> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(Servers::start(plan)))
}

/// Providers and callers run on machines of their own. Here they share the replicas' cores, and would make answers lie
/// unread in the kernel for longer than they ever do.
fn give_way() {
    // A thread that is not nicer only makes the storm harsher.
    let _ = rustix::process::nice(10);
}
