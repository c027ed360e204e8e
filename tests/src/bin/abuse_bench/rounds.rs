//! In each round every attack has its turn, next to one in peace.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use broker_e2e::Client;
use broker_e2e::bench::{Cores, Server};

use crate::Plan;
use crate::attack::{At, Attack};
use crate::attacker::Attacker;
use crate::front::{Front, GRANTS};
use crate::good::latencies;
use crate::report;

const WARM_UP: Duration = Duration::from_secs(1);

/// One attack's turn, and the peace next to it.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// What 99 of 100 calls do not exceed, in milliseconds.
    pub(crate) peace: f64,
    pub(crate) attack: f64,
    /// The server's resident set at its end, in bytes.
    pub(crate) memory: u64,
}

/// Measures, and prints what came out. Answers whether every attack cost no more than it may.
pub(crate) async fn compare(plan: &Plan, cores: &Cores) -> Result<bool> {
    let directory = tempfile::tempdir()?;
    let fronts = [
        Front::plain(plan, directory.path(), cores).await?,
        Front::tls(plan, directory.path(), cores).await?,
        Front::slow_provider(plan, directory.path(), cores).await?,
    ];
    let measured = match measure(plan, cores, &fronts).await {
        Ok(turns) => Ok(report::table(plan.attacks(), &turns)),
        Err(error) => {
            bail!("{error:#}{}", fronts.each_ref().map(|front| front.server.last_words()).concat())
        }
    };
    for front in fronts {
        front.close().await?;
    }
    measured
}

async fn measure(plan: &Plan, cores: &Cores, fronts: &[Front; 3]) -> Result<Vec<Vec<Turn>>> {
    let [plain, tls, slow_provider] = fronts;
    report::header(plan, cores);
    for front in fronts {
        latencies(&front.clients, GRANTS, plan.rate, WARM_UP).await?;
    }
    let mut turns = vec![Vec::new(); plan.attacks().len()];
    for round in 0..plan.rounds() {
        for (attack, turns) in plan.attacks().iter().copied().zip(&mut turns) {
            let front = match attack.at() {
                At::Plain => plain,
                At::Tls => tls,
                At::SlowProvider => slow_provider,
            };
            let turn = turn(plan, front, attack, round % 2 == 0).await?;
            report::turn(round + 1, attack, &turn);
            turns.push(turn);
        }
    }
    Ok(turns)
}

/// What comes first changes from round to round.
async fn turn(
    plan: &Plan,
    Front { server, clients, .. }: &Front,
    attack: Attack,
    peace_first: bool,
) -> Result<Turn> {
    let (mut peace, mut attacked, mut memory) = (0.0, 0.0, 0);
    for in_peace in [peace_first, !peace_first] {
        if in_peace {
            peace = calls(plan, clients).await?;
        } else {
            let attacker = Attacker::start(attack, server.address(), plan.rate);
            let measured = under_attack(plan, server, clients).await;
            attacker.stop().await?;
            (attacked, memory) = measured?;
            latencies(clients, GRANTS, plan.rate, WARM_UP).await?;
        }
    }
    Ok(Turn { peace, attack: attacked, memory })
}

/// What 99 of 100 calls do not exceed, and what the server takes of memory.
async fn under_attack(plan: &Plan, server: &Server, clients: &[Client]) -> Result<(f64, u64)> {
    latencies(clients, GRANTS, plan.rate, WARM_UP).await?;
    Ok((calls(plan, clients).await?, resident(server.pid())?))
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
