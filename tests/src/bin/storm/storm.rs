//! The storm from its first start to its judgement.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use broker_e2e::Dice;
use futures_util::future::try_join_all;
use provider_sim::Clock;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::callers::{Callers, Told};
use crate::grants::Subject;
use crate::judge::{Case, Charge, Record, Verdict};
use crate::killer::Killer;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::progress::Progress;
use crate::replica::Death;
use crate::report::Report;
use crate::scene::Scene;
use crate::servers::Servers;
use crate::settle::{self, Ending};
use crate::watch::{self, Doubts};

/// Storms, judges and reports.
pub(crate) async fn run(plan: &Plan, servers: &Servers) -> Result<ExitCode> {
    let temporary = temporary()?;
    let directory = plan.keep.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(directory)?;
    let seed = plan.seed.unwrap_or_else(|| Clock::system().micros());
    let report = tokio::select! {
        report = storm(plan, servers, directory, seed) => report?,
        // Returning ends the replicas too.
        interrupted = tokio::signal::ctrl_c() => bail!("interrupted: {interrupted:?}"),
    };
    report.publish(plan.report.as_deref())?;
    Ok(if report.is_as_expected(plan.expect_red) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// In memory where there is such a place. What a killed process has written, the kernel keeps: a disk would add its
/// time and nothing else.
fn temporary() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? })
}

async fn storm(plan: &Plan, servers: &Servers, directory: &Path, seed: u64) -> Result<Report> {
    let mut dice = Dice::new(seed);
    let (scene, killer) = Scene::set(plan, servers, directory, dice.split()).await?;
    let progress = Progress::begin(plan, seed, scene.stores.describe());
    let (told, doubts) = blow(plan, &scene, &killer, dice, &progress).await?;
    progress.say("every grant is asked whether it lives");
    let client = scene.fleet.client(0).context("the first replica does not serve")?;
    let endings = settle::endings(&client, &scene.subjects, 2 * plan.longest_doubt()).await?;
    let (deaths, ended_badly) = killer.stop_all().await?;
    let mut verdict = judge(&scene, &deaths, &told, &endings).await?;
    verdict.weigh_doubt(doubts.longest(), plan.longest_doubt() + watch::EVERY);
    if ended_badly > 0 {
        verdict.charge(Charge::BadEnd, format!("{ended_badly} replicas; see their logs"));
    }
    Ok(Report {
        seed,
        replicas: plan.replicas,
        grants: scene.subjects.len(),
        stores: scene.stores.describe(),
        failpoint: plan.failpoint().map(str::to_owned),
        seconds: progress.seconds(),
        rotations: scene.providers.rotations(),
        tokens_vended: told.vended,
        calls_refused: told.refused,
        longest_doubt: doubts.longest().cloned(),
        longest_doubt_allowed: plan.longest_doubt().as_secs_f64(),
        verdict,
    })
}

/// Kills while callers vend, and then waits until nothing is left that was in doubt at the end.
async fn blow(
    plan: &Plan,
    scene: &Scene,
    killer: &Killer,
    mut dice: Dice,
    progress: &Progress,
) -> Result<(Told, Doubts)> {
    let (calls_end, kills_end) = (CancellationToken::new(), CancellationToken::new());
    let clock = scene.providers.clock();
    let (callers, calls) = Callers::start(plan, &scene.fleet, &scene.subjects, clock, &mut dice, &calls_end);
    let killing = async {
        let killed = kill_all(plan, scene, killer, &callers, progress).await;
        kills_end.cancel();
        killed
    };
    let watching = watch::watch(scene.reader.as_ref(), clock, &kills_end, 3 * plan.longest_doubt());
    let (killed, doubts) = tokio::join!(killing, watching);
    killed?;
    calls_end.cancel();
    calls.join_all().await;
    Ok((std::mem::take(&mut *callers.told()), doubts?))
}

async fn kill_all(
    plan: &Plan,
    scene: &Scene,
    killer: &Killer,
    callers: &Callers,
    progress: &Progress,
) -> Result<()> {
    let journal = scene.providers.journal(Profile::Grace);
    progress.say("waiting for the first rotation");
    journal.wait_for(|journal| journal.refreshes() > 0, plan.token_life).await?;
    let hands = (0..killer.hands()).map(|_| kill(plan, scene, killer, callers, progress));
    try_join_all(hands).await?;
    progress.say("the last kill; waiting for what is in doubt");
    Ok(())
}

/// One hand.
async fn kill(
    plan: &Plan,
    scene: &Scene,
    killer: &Killer,
    callers: &Callers,
    progress: &Progress,
) -> Result<()> {
    while killer.strike(plan).await? {
        let (done, given_up) = (killer.kills(), scene.reader.given_up().await?);
        progress.killed(done, given_up, scene.providers.rotations(), &callers.told());
    }
    Ok(())
}

async fn judge(scene: &Scene, deaths: &[Death], told: &Told, endings: &[Ending]) -> Result<Verdict> {
    let mut attempts: HashMap<u128, Vec<_>> = HashMap::new();
    for attempt in scene.reader.attempts().await? {
        attempts.entry(attempt.grant).or_default().push(attempt);
    }
    let mut vended: HashMap<u128, Vec<(u64, u64)>> = HashMap::new();
    for ((grant, generation), micros) in &told.first_vended {
        vended.entry(*grant).or_default().push((*generation, *micros));
    }
    let mut presentations = scene.providers.presentations();
    let case = |(subject, ending): (&'_ Subject, &'_ Ending)| {
        let shown = presentations.remove(&(subject.profile, subject.family)).unwrap_or_default();
        let sent = attempts.remove(&subject.grant).unwrap_or_default();
        Case::new(
            subject.clone(),
            ending.clone(),
            shown,
            sent,
            vended.remove(&subject.grant).unwrap_or_default(),
        )
    };
    let cases: Vec<Case> = scene.subjects.iter().zip(endings).map(case).collect();
    let replica_of = scene.replica_of_owners().await?;
    let mut verdict = Verdict::of(&cases, &Record { deaths, replica_of: &replica_of });
    verdict.weigh_events(&scene.reader.events().await?, &cases);
    Ok(verdict)
}
