//! From configuration to a broker: every door is opened here, and only here.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use broker_core::ports::{InProcessLeases, ProviderClient};
use broker_core::{Broker, Clock, Collaborators, ProviderName};
use broker_crypto::{Entropy, KeyRing, OsEntropy};
use broker_egress::Egress;
use broker_escrow::{FileEscrow, Limits};
use broker_providers::{DefinitionProblem, OAuthClient};
use broker_sqlite::{SqliteLocation, SqliteStore};
use zeroize::Zeroizing;

use crate::SystemClock;
use crate::config::Config;

/// What a broker takes from the machine it runs on: injected, so that tests bring their own.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
}

impl Surroundings {
    /// The machine's own clock and generator.
    pub fn of_this_machine() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) }
    }
}

/// Opens every door and puts the broker together. The store is answered too: it is closed last.
pub(crate) async fn build(
    config: &Config,
    around: Surroundings,
) -> anyhow::Result<(Arc<Broker>, Arc<SqliteStore>)> {
    let store = Arc::new(open_store(config).await?);
    let escrow = open_escrow(config, around.entropy.as_ref())?;
    let broker = Broker::new(Collaborators {
        grants: store.clone(),
        consents: store.clone(),
        tenants: store.clone(),
        leases: Arc::new(InProcessLeases::new(around.clock.clone())),
        escrow: Arc::new(escrow),
        providers: providers(config, &around.clock)?,
        key_ring: key_ring(config)?,
        clock: around.clock,
        entropy: around.entropy,
        timing: config.rotation.timing(),
        cached_grants: config.vend.cached_grants,
    });
    Ok((broker, store))
}

pub(crate) async fn open_store(config: &Config) -> anyhow::Result<SqliteStore> {
    let location = match config.store.url.as_str() {
        "sqlite::memory:" => SqliteLocation::Memory,
        url => match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => SqliteLocation::File(PathBuf::from(path)),
            _ => bail!("[store] url must be sqlite:///path or sqlite::memory:"),
        },
    };
    SqliteStore::open(location).await.context("cannot open the store")
}

fn open_escrow(config: &Config, entropy: &dyn Entropy) -> anyhow::Result<FileEscrow> {
    let dir = config.escrow.dir.as_ref().context("[escrow] dir is not set")?;
    FileEscrow::open(dir, Limits::default(), entropy).context("cannot open the escrow")
}

fn key_ring(config: &Config) -> anyhow::Result<KeyRing> {
    match (&config.keys.kek_file, &config.keys.kek) {
        (Some(path), _) => {
            let material = std::fs::read_to_string(path)
                .map(Zeroizing::new)
                .with_context(|| format!("cannot read [keys] kek_file {}", path.display()))?;
            KeyRing::parse(&material).with_context(|| format!("[keys] kek_file {}", path.display()))
        }
        (None, Some(material)) => KeyRing::parse(material.expose()).context("[keys] kek"),
        (None, None) => bail!("[keys] neither kek_file nor kek is set"),
    }
}

fn providers(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<HashMap<ProviderName, Arc<dyn ProviderClient>>> {
    let egress = Egress::new(config.rotation.egress()).context("cannot set up outgoing HTTP")?;
    let mut providers: HashMap<ProviderName, Arc<dyn ProviderClient>> = HashMap::new();
    for (name, provider) in &config.providers {
        let client = OAuthClient::new(provider.definition(), egress.clone(), clock.clone())
            .map_err(|problems| anyhow!("[providers.{name}] {}", join(&problems)))?;
        providers.insert(ProviderName::new(name.as_str())?, Arc::new(client));
    }
    Ok(providers)
}

fn join(problems: &[DefinitionProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
