//! One subject's turn in one round.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use broker_e2e::Client;
use broker_e2e::bench::{Cores, Server, Stub, key};
use provider_sim::Clock;
use tokio::task::JoinSet;

use crate::Plan;
use crate::audience::Audience;
use crate::listeners::Listeners;
use crate::reading::Reading;
use crate::subject::{Subject, stop};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(20);
/// Rotations before those that are measured: connections are there, and code is in memory.
const WARM_UP: usize = 20;

/// What a turn showed. Times are in milliseconds, in ascending order, from the provider's answer.
#[derive(Clone)]
pub(crate) struct Turn {
    /// To the message on the stream.
    pub(crate) told: Vec<f64>,
    /// To the adoption: what 50 and 99 of 100 do not exceed, where it is known.
    pub(crate) adopted: Option<(f64, f64)>,
    /// The server's CPU time per message, in microseconds.
    pub(crate) cpu: f64,
    /// CPUs that other processes kept busy on the cores in use.
    pub(crate) others: f64,
}

/// What everybody in a turn needs.
pub(crate) struct Stage<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) cores: &'a Cores,
    pub(crate) stub: &'a Stub,
    pub(crate) clock: &'a Clock,
}

/// Takes the turn.
pub(crate) async fn take(subject: &Subject, audience: Audience, stage: &Stage<'_>) -> Result<Turn> {
    let server = subject.start(stage.cores)?;
    match measure(subject, &server, audience, stage).await {
        Ok(turn) => stop(server).await.map(|()| turn),
        Err(error) => bail!("{}: {error:#}{}", subject.name(), server.last_words()),
    }
}

async fn measure(subject: &Subject, server: &Server, audience: Audience, stage: &Stage<'_>) -> Result<Turn> {
    let plan = stage.plan;
    let grants = audience.grants(subject.first_grant(plan), plan);
    let mut listeners = Listeners::open(server.address(), &grants, plan.connections, stage.clock).await?;
    let client = Client::connect(server.address()).await;
    let warming = if audience == Audience::Apart { WARM_UP } else { 1 };
    let mut rotating = grants.iter().copied().cycle();
    rotate(&client, rotating.by_ref().take(warming), audience.rate(plan)).await?;
    all_told(&mut listeners, warming * audience.streams_of_a_grant(plan)).await?;
    listeners.take();
    stage.stub.ledger.take_times();

    let start = Reading::take(server, stage)?;
    let count = audience.rate(plan) * plan.seconds();
    rotate(&client, rotating.take(count), audience.rate(plan)).await?;
    all_told(&mut listeners, count * audience.streams_of_a_grant(plan)).await?;
    let end = Reading::take(server, stage)?;
    end.since(&start, subject, &listeners.take(), &stage.stub.ledger.take_times())
}

/// Rotates these grants, so many a second, and waits for all answers. None waits for the one before.
async fn rotate(client: &Client, grants: impl Iterator<Item = usize>, rate: usize) -> Result<()> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / u32::try_from(rate)?);
    let mut calls = JoinSet::new();
    for grant in grants {
        pace.tick().await;
        let client = client.clone();
        calls.spawn(async move { client.refresh(&key(grant)).await });
    }
    while let Some(answer) = calls.join_next().await {
        answer?.map_err(|error| anyhow!("RefreshGrant: {error}"))?;
    }
    Ok(())
}

async fn all_told(listeners: &mut Listeners, count: usize) -> Result<()> {
    let told = until("messages", || {
        listeners.check()?;
        Ok(listeners.told() >= count)
    });
    told.await.with_context(|| format!("not all of {count} messages came"))
}

/// Waits for what comes about by itself.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !is_so()? {
        ensure!(start.elapsed() < PATIENCE, "{what} are waited for in vain");
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}
