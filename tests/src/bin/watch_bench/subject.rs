//! What is measured: the control, or the broker with its grants.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use broker_e2e::Client;
use broker_e2e::bench::{Cores, Home, Server, Stub, obtain};

use crate::Plan;

/// Rotations in flight at once: the broker's default.
const IN_FLIGHT: usize = 64;

/// What takes turns.
pub(crate) enum Subject {
    Bare { token_url: String, log: PathBuf },
    Broker { binary: PathBuf, home: Home, grants: HashMap<String, usize> },
}

impl Subject {
    /// The control. Its grants are those from `plan.streams` on.
    pub(crate) fn bare(directory: &Path, stub: &Stub) -> Self {
        Self::Bare { token_url: format!("{}/token", stub.url), log: directory.join("bare.log") }
    }

    /// The broker on SQLite. Its grants are the first ones.
    pub(crate) async fn broker(plan: &Plan, directory: &Path, stub: &Stub, cores: &Cores) -> Result<Self> {
        let binary = &plan.broker;
        let binary = binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?;
        let store = format!("sqlite://{}", directory.join("store.db").display());
        let home = Home::furnish(directory.join("broker"), &binary, store, &stub.url)?;
        let mut broker = Self::Broker { binary, home, grants: HashMap::new() };
        let server = broker.start(cores)?;
        let obtained = obtain(&Client::connect(server.address()).await, 0..plan.streams).await;
        match (&mut broker, obtained) {
            (Self::Broker { grants, .. }, Ok(obtained)) => *grants = obtained,
            (_, Err(error)) => bail!("{error:#}{}", server.last_words()),
            (Self::Bare { .. }, Ok(_)) => {}
        }
        stop(server).await?;
        Ok(broker)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Bare { .. } => "bare",
            Self::Broker { .. } => "token-broker",
        }
    }

    /// The number of its first grant.
    pub(crate) fn first_grant(&self, plan: &Plan) -> usize {
        match self {
            Self::Bare { .. } => plan.streams,
            Self::Broker { .. } => 0,
        }
    }

    pub(crate) fn start(&self, cores: &Cores) -> Result<Server> {
        match self {
            Self::Bare { token_url, log } => {
                let mut bare = Command::new(std::env::current_exe()?);
                Server::start(bare.args(["bare", "--token-url", token_url]), log, cores)
            }
            Self::Broker { binary, home, .. } => {
                let mut serve = Command::new(binary);
                serve.arg("serve").arg("--config").arg(home.rotating(IN_FLIGHT)?);
                Server::start(&mut serve, &home.log(), cores)
            }
        }
    }
}

/// Off the runtime: what is in flight still has to be answered on it.
pub(crate) async fn stop(server: Server) -> Result<()> {
    tokio::task::spawn_blocking(|| server.stop()).await?
}
