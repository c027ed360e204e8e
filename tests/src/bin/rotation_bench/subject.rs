//! What is measured: the control, or the broker on one store.

use std::process::{Child, Command};

use anyhow::{Context as _, Result};
use broker_e2e::bench::Server;

use crate::Plan;
use crate::broker::Broker;

/// What takes turns.
pub(crate) enum Subject {
    Bare {
        token_url: String,
        /// The number of its first grant.
        first: usize,
    },
    Broker {
        name: &'static str,
        broker: Box<Broker>,
    },
}

/// A process under measurement.
pub(crate) enum Process {
    Bare(Child),
    Broker(Server),
}

impl Subject {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Bare { .. } => "bare",
            Self::Broker { name, .. } => name,
        }
    }

    pub(crate) fn start(&self, plan: &Plan) -> Result<Process> {
        match self {
            Self::Broker { broker, .. } => {
                Ok(Process::Broker(broker.start(&broker.home.rotating(plan.in_flight)?)?))
            }
            Self::Bare { token_url, first } => {
                let mut bare = Command::new(std::env::current_exe()?);
                bare.args(["bare", "--token-url", token_url]);
                bare.arg(format!("--first={first}")).arg(format!("--in-flight={}", plan.in_flight));
                Ok(Process::Bare(bare.spawn().context("cannot start the control")?))
            }
        }
    }
}

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Bare(child) => child.id(),
            Self::Broker(server) => server.pid(),
        }
    }

    /// Ends it: the control as it stands, the broker with everything settled.
    pub(crate) async fn stop(self) -> Result<()> {
        match self {
            Self::Bare(mut child) => {
                child.kill()?;
                child.wait()?;
                Ok(())
            }
            // Off the runtime: what is in flight still has to be answered on it.
            Self::Broker(server) => tokio::task::spawn_blocking(|| server.stop()).await?,
        }
    }
}
