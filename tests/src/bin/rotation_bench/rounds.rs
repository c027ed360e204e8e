//! Who is measured, and in which order.

use std::path::Path;

use anyhow::{Context as _, Result};
use broker_e2e::bench::{Home, Stub, Times};
use provider_sim::Clock;

use crate::Plan;
use crate::broker::Broker;
use crate::report;
use crate::subject::Subject;
use crate::turn::{self, Turn};

/// A turn during which other processes used more of the cores than this spoils its round.
const NOISE_LIMIT: f64 = 0.3;
/// Spoiled rounds are repeated until this many times the wanted number were tried.
const PATIENCE: usize = 2;

/// A grant is due again as soon as it has its new tokens.
const EXPIRES_IN: u32 = 1;

/// One turn of each subject, in their order.
pub(crate) struct Round(pub(crate) Vec<Turn>);

impl Round {
    pub(crate) fn is_quiet(&self) -> bool {
        self.noise() <= NOISE_LIMIT
    }

    /// CPUs that others used in the worst turn.
    pub(crate) fn noise(&self) -> f64 {
        self.0.iter().map(|turn| turn.others).fold(0.0, f64::max)
    }
}

/// Makes the grants, measures, and prints what came out.
pub(crate) async fn compare(plan: &Plan) -> Result<()> {
    let (directory, clock) = (tempfile::tempdir()?, Clock::system());
    let stores = 1 + usize::from(plan.database.is_some());
    let all = stores * plan.grants() + plan.in_flight;
    let times = Times { latency: plan.latency, expires_in: EXPIRES_IN };
    let stub = Stub::start(all, times, clock.clone()).await?;
    let subjects = prepare(plan, directory.path(), &stub).await?;
    report::header(plan);
    let mut rounds = Vec::new();
    let mut quiet = 0;
    while quiet < plan.rounds() && rounds.len() < plan.rounds() * PATIENCE {
        let round = one_round(&subjects, rounds.len(), &stub, plan, &clock).await?;
        quiet += usize::from(round.is_quiet());
        report::round(rounds.len() + 1, &round);
        rounds.push(round);
    }
    let names: Vec<_> = subjects.iter().map(Subject::name).collect();
    report::table(&names, &rounds);
    Ok(())
}

async fn prepare(plan: &Plan, directory: &Path, stub: &Stub) -> Result<Vec<Subject>> {
    let binary = &plan.broker;
    let binary = binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?;
    let file = format!("sqlite://{}", directory.join("store.db").display());
    let mut stores = vec![("SQLite", file, None)];
    if let Some(url) = &plan.database {
        stores.push(("Postgres", url.to_string(), Some(url.as_str())));
    }
    let mut subjects = Vec::new();
    for (number, (name, url, postgres)) in stores.into_iter().enumerate() {
        let home = Home::furnish(directory.join(name), &binary, url, &stub.url)?;
        let mut broker = Broker::prepare(&binary, home, postgres).await?;
        let first = number * plan.grants();
        broker.fill(first..first + plan.grants()).await?;
        report::prepared(name, plan.grants());
        subjects.push(Subject::Broker { name, broker: Box::new(broker) });
    }
    let first = subjects.len() * plan.grants();
    subjects.insert(0, Subject::Bare { token_url: format!("{}/token", stub.url), first });
    Ok(subjects)
}

async fn one_round(
    subjects: &[Subject],
    number: usize,
    stub: &Stub,
    plan: &Plan,
    clock: &Clock,
) -> Result<Round> {
    let mut turns = vec![None; subjects.len()];
    for place in 0..subjects.len() {
        let index = (place + number) % subjects.len();
        turns[index] = Some(turn::take(&subjects[index], stub, plan, clock).await?);
    }
    Ok(Round(turns.into_iter().flatten().collect()))
}
