//! One replica: a process that is started, killed and started again on what it left.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use provider_sim::Clock;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::frozen::{Freezer, Records};
use crate::plan::Plan;
use crate::settings::Home;

/// Longer than any start or end takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A replica, running or not.
pub(crate) struct Replica {
    number: usize,
    broker: PathBuf,
    home: Home,
    failpoint: Option<String>,
    clock: Clock,
    freezer: Freezer,
    life: Option<Life>,
    deaths: usize,
}

/// A process from its start to its end.
struct Life {
    child: Child,
    started_micros: u64,
}

/// The end of a killed process.
pub(crate) struct Death {
    /// Which replica it was.
    pub(crate) replica: usize,
    /// When it was started. Microseconds since 1970, as all times of the evidence.
    pub(crate) started_micros: u64,
    /// When the kernel had taken the order to kill it: it did nothing after that.
    pub(crate) killed_micros: u64,
    /// What lay in its escrow before it was started again.
    pub(crate) records: Records,
}

/// The first line of a broker that serves.
#[derive(Deserialize)]
struct Ready {
    grpc: SocketAddr,
}

impl Replica {
    pub(crate) fn new(number: usize, home: Home, plan: &Plan, clock: &Clock, freezer: &Freezer) -> Self {
        let failpoint = plan.failpoint().map(str::to_owned);
        let (clock, freezer) = (clock.clone(), freezer.clone());
        Self { number, broker: plan.broker.clone(), home, failpoint, clock, freezer, life: None, deaths: 0 }
    }

    pub(crate) const fn number(&self) -> usize {
        self.number
    }

    /// Starts it and waits until it serves. Answers where.
    pub(crate) async fn start(&mut self) -> Result<SocketAddr> {
        let mut life = self.spawn()?;
        let output = life.child.stdout.take().context("its output is not ours")?;
        self.life = Some(life);
        let mut lines = BufReader::new(output).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else {
            bail!("replica {} does not serve; its log ends with {}", self.number, self.last_words());
        };
        let ready: Ready =
            serde_json::from_str(&line).with_context(|| format!("its first line is {line}"))?;
        Ok(ready.grpc)
    }

    /// Starts it, and kills it that much later, whatever it is doing.
    pub(crate) async fn start_and_die(&mut self, after: Duration) -> Result<Death> {
        self.life = Some(self.spawn()?);
        tokio::time::sleep(after).await;
        self.kill().await
    }

    /// Kills it, and freezes what it left.
    pub(crate) async fn kill(&mut self) -> Result<Death> {
        let mut life = self.life.take().context("no process to kill")?;
        signal(&life.child, Signal::KILL)?;
        let killed_micros = self.clock.micros();
        ended(&mut life.child).await?;
        self.deaths += 1;
        let name = format!("replica-{}-death-{}", self.number, self.deaths);
        let records = self.freezer.freeze(&self.home.escrow, &name).await?;
        Ok(Death { replica: self.number, started_micros: life.started_micros, killed_micros, records })
    }

    /// Lets it end as it likes to.
    pub(crate) async fn stop(&mut self) -> Result<ExitStatus> {
        let mut life = self.life.take().context("no process to stop")?;
        signal(&life.child, Signal::TERM)?;
        ended(&mut life.child).await
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.home.log).unwrap_or_default();
        log.lines().next_back().unwrap_or("nothing").to_owned()
    }

    fn spawn(&self) -> Result<Life> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.home.log)?;
        let mut command = Command::new(&self.broker);
        command.arg("serve").arg("--config").arg(&self.home.config);
        if let Some(failpoint) = &self.failpoint {
            command.env("TOKEN_BROKER_FAILPOINT", failpoint);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let started_micros = self.clock.micros();
        let child = command.spawn().with_context(|| format!("cannot start {}", self.broker.display()))?;
        Ok(Life { child, started_micros })
    }
}

fn signal(child: &Child, signal: Signal) -> Result<()> {
    let id = child.id().context("it has ended by itself")?;
    let pid = Pid::from_raw(i32::try_from(id)?).context("no process has the id 0")?;
    Ok(kill_process(pid, signal)?)
}

async fn ended(child: &mut Child) -> Result<ExitStatus> {
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.context("a replica does not end")?;
    Ok(ended?)
}
