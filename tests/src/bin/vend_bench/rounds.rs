//! The measurement: in each round every server has its turn, the order moving on by one.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use broker_proto::v1;
use prost::Message;
use tempfile::TempDir;

use crate::Plan;
use crate::broker::Broker;
use crate::load::Load;
use crate::report;
use crate::target::Question;
use broker_e2e::bench::{Cores, ProcessCpu, Server, busy};

const WARM_UP: Duration = Duration::from_millis(500);
/// A turn during which other processes used more of the cores than this spoils its round.
const NOISE_LIMIT: f64 = 0.3;
/// Spoiled rounds are repeated until this many times the wanted number were tried.
const PATIENCE: usize = 3;

/// One server and what to ask it.
struct Variant {
    name: &'static str,
    server: Server,
    questions: Arc<[Question]>,
}

/// One server's turn in one round.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// Right answers per second.
    pub(crate) rate: f64,
    /// The server's CPU time per right answer, in microseconds.
    pub(crate) cpu: f64,
    /// CPUs that other processes kept busy on the cores in use.
    pub(crate) others: f64,
}

/// One turn of each server, in the order of the variants.
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

/// Prepares the servers, measures, and prints what came out.
pub(crate) async fn compare(plan: &Plan, cores: &Cores) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let Some(binary) = &plan.broker else {
        let control = Control { requests: &made_up_requests(plan.grants()), reply: &made_up_reply() };
        let variants =
            [control.start("bare", &directory, cores)?, control.start("bare again", &directory, cores)?];
        return measure(&variants, &control, plan, cores).await;
    };
    let broker = Broker::prepare(binary, directory.path(), plan, cores).await?;
    // Called while the broker is measured, should a grant be due.
    let _simulator = broker.simulator;
    let control = Control { requests: &broker.requests, reply: &broker.sample };
    let measured =
        Variant { name: "token-broker", server: broker.server, questions: broker.questions.into() };
    measure(&[control.start("bare", &directory, cores)?, measured], &control, plan, cores).await
}

/// What the bare server is asked and answers: the same as the broker.
struct Control<'a> {
    requests: &'a [v1::GetAccessTokenRequest],
    reply: &'a v1::GetAccessTokenResponse,
}

impl Control<'_> {
    fn start(&self, name: &'static str, directory: &TempDir, cores: &Cores) -> Result<Variant> {
        let file = directory.path().join("reply");
        std::fs::write(&file, self.reply.encode_to_vec())?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare").arg("--reply").arg(&file);
        let server = Server::start(&mut command, &directory.path().join(format!("{name}.log")), cores)?;
        let grant_id = &self.reply.grant_id;
        let questions =
            self.requests.iter().map(|request| Question::new(request, grant_id.clone())).collect();
        Ok(Variant { name, server, questions })
    }
}

async fn measure(variants: &[Variant], control: &Control<'_>, plan: &Plan, cores: &Cores) -> Result<()> {
    report::header(plan, cores, control.reply.encoded_len());
    let rounds = all_rounds(variants, plan, cores).await?;
    let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
    report::table(&names, &rounds);
    Ok(())
}

async fn all_rounds(variants: &[Variant], plan: &Plan, cores: &Cores) -> Result<Vec<Round>> {
    let mut rounds = Vec::new();
    let mut quiet = 0;
    while quiet < plan.rounds() && rounds.len() < plan.rounds() * PATIENCE {
        let round = Round(one_round(variants, rounds.len(), plan, cores).await?);
        quiet += usize::from(round.is_quiet());
        report::round(rounds.len() + 1, &round);
        rounds.push(round);
    }
    Ok(rounds)
}

async fn one_round(variants: &[Variant], number: usize, plan: &Plan, cores: &Cores) -> Result<Vec<Turn>> {
    let mut turns = vec![None; variants.len()];
    for place in 0..variants.len() {
        let index = (place + number) % variants.len();
        turns[index] = Some(turn(&variants[index], plan, cores).await?);
    }
    Ok(turns.into_iter().flatten().collect())
}

async fn turn(variant: &Variant, plan: &Plan, cores: &Cores) -> Result<Turn> {
    let load = Load::start(variant.server.address(), &variant.questions, plan).await?;
    tokio::time::sleep(WARM_UP).await;
    let start = Reading::take(variant, &load, cores)?;
    tokio::time::sleep(Duration::from_secs_f64(plan.seconds)).await;
    let end = Reading::take(variant, &load, cores)?;
    let failures = load.stop().await;
    match failures.first {
        Some(first) => {
            let (name, count, log) = (variant.name, failures.count, variant.server.last_words());
            bail!("{name}: {count} requests failed, the first with: {first}{log}")
        }
        None if end.answered == start.answered => bail!("{} answered nothing", variant.name),
        None => Ok(end.since(&start)),
    }
}

/// What all accounts say at one moment.
struct Reading {
    at: Instant,
    answered: u64,
    server: ProcessCpu,
    load: ProcessCpu,
    busy: Duration,
}

impl Reading {
    fn take(variant: &Variant, load: &Load, cores: &Cores) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            answered: load.answered(),
            server: ProcessCpu::read(variant.server.pid())?,
            load: ProcessCpu::read(std::process::id())?,
            busy: busy(cores)?,
        })
    }

    fn since(&self, start: &Self) -> Turn {
        let seconds = (self.at - start.at).as_secs_f64();
        let answered = (self.answered - start.answered) as f64;
        let server = self.server.since(&start.server);
        let ours = server + self.load.since(&start.load);
        Turn {
            rate: answered / seconds,
            cpu: server.as_secs_f64() * 1e6 / answered,
            others: (self.busy.saturating_sub(start.busy)).saturating_sub(ours).as_secs_f64() / seconds,
        }
    }
}

fn made_up_requests(count: usize) -> Vec<v1::GetAccessTokenRequest> {
    (0..count).map(crate::broker::request).collect()
}

/// About as large as a real one: a signed token of 700 bytes, twice.
fn made_up_reply() -> v1::GetAccessTokenResponse {
    let token = "x".repeat(700);
    v1::GetAccessTokenResponse {
        headers: [("authorization".to_owned(), format!("Bearer {token}"))].into(),
        access_token: token,
        grant_id: "00000000-0000-0000-0000-000000000000".to_owned(),
        ..Default::default()
    }
}
