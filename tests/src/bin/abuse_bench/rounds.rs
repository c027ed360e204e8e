//! In each round every attack has its turn, next to one in peace.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use broker_e2e::Client;
use broker_e2e::bench::{Cores, Home, Server, Stub, Times, obtain};
use provider_sim::Clock;

use crate::Plan;
use crate::attack::Attack;
use crate::good::latencies;
use crate::report;

const GRANTS: usize = 200;
const CONNECTIONS: usize = 4;
/// Nothing is due while it is measured.
const EXPIRES_IN: u32 = 12 * 3600;
const WARM_UP: Duration = Duration::from_secs(1);

/// One attack's turn, and the peace next to it.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// What 99 of 100 calls do not exceed, in milliseconds.
    pub(crate) peace: f64,
    pub(crate) attack: f64,
    /// The server's resident set after it, in bytes.
    pub(crate) memory: u64,
}

/// Measures, and prints what came out.
pub(crate) async fn compare(plan: &Plan, cores: &Cores) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let times = Times { latency: Duration::from_millis(1), expires_in: EXPIRES_IN };
    let stub = Stub::start(GRANTS, times, Clock::system()).await?;
    let server = start(plan, directory.path(), &stub, cores)?;
    let measured = match measure(plan, cores, &server).await {
        Ok(()) => Ok(()),
        Err(error) => bail!("{error:#}{}", server.last_words()),
    };
    tokio::task::spawn_blocking(|| server.stop()).await??;
    measured
}

fn start(plan: &Plan, directory: &Path, stub: &Stub, cores: &Cores) -> Result<Server> {
    let binary =
        plan.broker.canonicalize().with_context(|| format!("there is no {}", plan.broker.display()))?;
    let store = format!("sqlite://{}", directory.join("store.db").display());
    let home = Home::furnish(directory.join("broker"), &binary, store, &stub.url)?;
    let mut serve = Command::new(&binary);
    serve.arg("serve").arg("--config").arg(home.rotating(1)?);
    Server::start(&mut serve, &home.log(), cores)
}

async fn measure(plan: &Plan, cores: &Cores, server: &Server) -> Result<()> {
    obtain(server.address(), 0..GRANTS).await?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(server.address()).await);
    }
    report::header(plan, cores);
    latencies(&clients, GRANTS, plan.rate, WARM_UP).await?;
    let mut turns = vec![Vec::new(); Attack::ALL.len()];
    for round in 0..plan.rounds() {
        for (attack, turns) in Attack::ALL.into_iter().zip(&mut turns) {
            let turn = turn(plan, server, &clients, attack, round % 2 == 0).await?;
            report::turn(round + 1, attack, &turn);
            turns.push(turn);
        }
    }
    report::table(&turns);
    Ok(())
}

/// What comes first changes from round to round.
async fn turn(
    plan: &Plan,
    server: &Server,
    clients: &[Client],
    attack: Attack,
    peace_first: bool,
) -> Result<Turn> {
    let (mut peace, mut attacked, mut memory) = (0.0, 0.0, 0);
    for in_peace in [peace_first, !peace_first] {
        if in_peace {
            peace = calls(plan, clients).await?;
        } else {
            let calling = async {
                latencies(clients, GRANTS, plan.rate, WARM_UP).await?;
                calls(plan, clients).await
            };
            attacked = tokio::select! {
                times = calling => times?,
                () = attack.go_on(server.address()) => bail!("an attack ends by itself"),
            };
            memory = resident(server.pid())?;
            latencies(clients, GRANTS, plan.rate, WARM_UP).await?;
        }
    }
    Ok(Turn { peace, attack: attacked, memory })
}

async fn calls(plan: &Plan, clients: &[Client]) -> Result<f64> {
    let times = latencies(clients, GRANTS, plan.rate, Duration::from_secs(plan.seconds())).await?;
    times.get(times.len() * 99 / 100).copied().context("no call was made")
}

fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(1024 * kilobytes.ok_or_else(|| anyhow!("the server has no resident set"))?)
}
