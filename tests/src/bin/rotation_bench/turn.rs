//! One subject's turn in one round.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use broker_e2e::bench::{Adoptions, Cores, ProcessCpu, Spread, Stub, busy};
use provider_sim::Clock;

use crate::Plan;
use crate::database::{Database, DatabaseCpu};
use crate::subject::{Process, Subject};

/// Answers per place in flight before a measurement begins: the broker knows the provider's latency by then.
const WARM_UP: u64 = 3;
/// Longer than any warm-up on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(50);

/// What a turn showed.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// Durable rotations per second; of the control, answers.
    pub(crate) rate: f64,
    /// The process's CPU time per rotation, in microseconds.
    pub(crate) cpu: f64,
    /// The same of Postgres, where it can be seen.
    pub(crate) database_cpu: Option<f64>,
    /// Presentations in flight, as the provider saw them.
    pub(crate) in_flight: f64,
    /// From the answer to its adoption, in milliseconds: the middle, and what 99 of 100 do not exceed.
    pub(crate) delays: Option<(f64, f64)>,
    /// CPUs that other processes kept busy.
    pub(crate) others: f64,
}

/// Takes the turn.
pub(crate) async fn take(subject: &Subject, stub: &Stub, plan: &Plan, clock: &Clock) -> Result<Turn> {
    let process = subject.start(plan)?;
    warm_up(stub, plan).await.with_context(|| format!("{} does not rotate", subject.name()))?;
    let start = Reading::take(subject, &process, stub, clock)?;
    let in_flight = watch(stub, Duration::from_secs_f64(plan.seconds)).await;
    let end = Reading::take(subject, &process, stub, clock)?;
    process.stop().await?;
    let stale = stub.ledger.stale();
    ensure!(stale == 0, "{}: {stale} presentations of a token that was not the live one", subject.name());
    end.since(&start, subject, stub, in_flight)
}

async fn warm_up(stub: &Stub, plan: &Plan) -> Result<()> {
    let enough = stub.ledger.answered() + WARM_UP * plan.in_flight as u64;
    let warm = async {
        while stub.ledger.answered() < enough {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::time::timeout(PATIENCE, warm).await.context("too few answers")
}

/// Lets the time pass. Answers how many presentations were in flight meanwhile.
async fn watch(stub: &Stub, span: Duration) -> f64 {
    let (end, mut seen) = (Instant::now() + span, Vec::new());
    while Instant::now() < end {
        tokio::time::sleep(GLANCE).await;
        seen.push(stub.ledger.in_flight() as f64);
    }
    Spread::of(seen).median
}

/// What all accounts say at one moment.
struct Reading {
    at: u64,
    answered: u64,
    process: ProcessCpu,
    own: ProcessCpu,
    database: Option<DatabaseCpu>,
    busy: Duration,
}

impl Reading {
    fn take(subject: &Subject, process: &Process, stub: &Stub, clock: &Clock) -> Result<Self> {
        let database = match subject {
            Subject::Broker { broker, .. } => broker.database.as_ref().map(Database::cpu).transpose()?,
            Subject::Bare { .. } => None,
        };
        Ok(Self {
            at: clock.micros(),
            answered: stub.ledger.answered(),
            process: ProcessCpu::read(process.pid())?,
            own: ProcessCpu::read(std::process::id())?,
            database,
            busy: busy(&Cores::Shared)?,
        })
    }

    fn since(&self, start: &Self, subject: &Subject, stub: &Stub, in_flight: f64) -> Result<Turn> {
        let times = stub.ledger.take_times();
        let adoptions = match subject {
            Subject::Bare { .. } => None,
            Subject::Broker { broker, .. } => {
                Some(Adoptions::read(&broker.home.log(), (start.at, self.at), &broker.grants, &times)?)
            }
        };
        let rotations = match &adoptions {
            Some(adoptions) => adoptions.count as f64,
            None => (self.answered - start.answered) as f64,
        };
        let seconds = (self.at - start.at) as f64 / 1e6;
        let process = self.process.since(&start.process);
        let database =
            self.database.as_ref().zip(start.database.as_ref()).map(|(end, start)| end.since(start));
        let ours = process + self.own.since(&start.own) + database.unwrap_or_default();
        let per_rotation = |cpu: Duration| cpu.as_secs_f64() * 1e6 / rotations;
        Ok(Turn {
            rate: rotations / seconds,
            cpu: per_rotation(process),
            database_cpu: database.map(per_rotation),
            in_flight,
            delays: adoptions.map(|adoptions| (adoptions.delay(50), adoptions.delay(99))),
            others: self.busy.saturating_sub(start.busy).saturating_sub(ours).as_secs_f64() / seconds,
        })
    }
}
