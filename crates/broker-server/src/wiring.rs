//! From configuration to a broker: every door is opened here, and only here.

mod api;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use broker_core::ports::{Escrow, ProviderClient};
use broker_core::{Access, AuditKeys, Broker, Clock, Collaborators, ProviderName, Writers};
use broker_crypto::{Entropy, KeyEncryption, KeyPurpose, OsEntropy};
use broker_egress::CallTimes;
use broker_escrow::FileEscrow;
use broker_providers::{DefinitionProblem, OAuthClient};

use crate::audit::Audit;
use crate::config::Config;
use crate::coordination::Coordination;
use crate::engine::Engine;
use crate::held_keys::{HeldKeys, KeyPlace};
use crate::key_source::KeyWatch;
use crate::role::Role;
use crate::store::Store;
use crate::telemetry::Telemetry;
use crate::webhooks::StandardWebhooks;
use crate::{SystemClock, data_keys, limits};

/// What a broker takes from the machine it runs on: injected, so that tests bring their own.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Where traces and metrics go.
    pub telemetry: Telemetry,
    /// Where outgoing HTTP is counted.
    pub calls: Arc<CallTimes>,
}

impl Surroundings {
    /// The machine's own clock and generator, and no collector.
    pub fn of_this_machine() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            telemetry: Telemetry::default(),
            calls: Arc::default(),
        }
    }
}

/// A broker with what its process must close and report on.
pub(crate) struct Built {
    pub(crate) engine: Engine,
    pub(crate) access: Arc<Access>,
    pub(crate) audit: Audit,
    /// Write what is recorded.
    pub(crate) writers: Writers,
    /// Closed last.
    pub(crate) store: Store,
    pub(crate) coordination: Coordination,
    /// Keep the key encryption keys as their sources are, those that this process holds.
    pub(crate) key_watches: Vec<KeyWatch>,
}

/// Opens every door that the role needs and puts the broker together.
pub(crate) async fn build(config: &Config, role: Role, around: Surroundings) -> anyhow::Result<Built> {
    let store = Store::open(config, role).await?;
    let held = HeldKeys::open(config, &around).await?;
    for purpose in
        KeyPurpose::ALL.into_iter().filter(|purpose| role.rotates() || *purpose == KeyPurpose::Access)
    {
        let KeyPlace { place, samples } = held.place(purpose);
        data_keys::check(&store, held.encryption.as_ref(), purpose, place, *samples).await?;
    }
    let coordination = Coordination::open(config, &around)?;
    let access = config.access_settings().map_err(|problems| anyhow!(problems.join("; ")))?;
    let access = Access::new(access, store.access(), around.clock.clone(), around.entropy.clone());
    let audit_keys = AuditKeys {
        store: store.keys(),
        encryption: held.encryption.clone(),
        entropy: around.entropy.clone(),
        clock: around.clock.clone(),
    };
    let (audit, writers) = Audit::open(&config.audit, &store, audit_keys, role.rotates());
    let engine = match role {
        Role::Api => {
            let place = &held.place(KeyPurpose::Access).place;
            api::build(config, &store, &coordination, held.encryption.clone(), place, &around).await?
        }
        Role::All | Role::Rotator => broker(config, &store, &coordination, held.encryption.clone(), around)?,
    };
    Ok(Built { engine, access, audit, writers, store, coordination, key_watches: held.watches })
}

fn broker(
    config: &Config,
    store: &Store,
    coordination: &Coordination,
    key_encryption: Arc<dyn KeyEncryption>,
    around: Surroundings,
) -> anyhow::Result<Engine> {
    let escrow = open_escrow(config, around.entropy.as_ref())?;
    let strangers = config.open_stranger_egress().map_err(anyhow::Error::msg)?;
    let strangers = strangers.counted_in(around.calls.clone());
    let webhook_sender = Arc::new(StandardWebhooks::new(strangers, around.clock.clone()));
    let broker = Broker::new(Collaborators {
        grants: store.grants(),
        consents: store.consents(),
        tenants: store.tenants(),
        fleet: store.fleet(),
        installation: config.store.installation().map_err(anyhow::Error::msg)?,
        leases: coordination.leases.clone(),
        wakeups: coordination.wakeups.clone(),
        budget: coordination.budget.clone(),
        escrow: escrow_door(escrow),
        providers: providers(config, &around)?,
        key_encryption,
        clock: around.clock,
        entropy: around.entropy,
        timing: config.rotation.timing(),
        cached_grants: limits::cached_grants(config),
        scheduler: store.scheduler(),
        revocations: store.revocations(),
        deletions: store.deletions(),
        key_store: store.keys(),
        sealed: store.sealed(),
        machine_credentials: store.machine_credentials(),
        events: store.events(),
        webhooks: store.webhooks(),
        webhook_sender,
        traces: around.telemetry.traces(),
    });
    Ok(Engine::Broker(broker))
}

fn open_escrow(config: &Config, entropy: &dyn Entropy) -> anyhow::Result<FileEscrow> {
    let dir = config.escrow.dir.as_ref().context("[escrow] dir is not set")?;
    FileEscrow::open(dir, config.escrow.limits(), entropy).context("cannot open the escrow")
}

#[cfg(not(feature = "failpoints"))]
fn escrow_door(escrow: FileEscrow) -> Arc<dyn Escrow> {
    Arc::new(escrow)
}

#[cfg(feature = "failpoints")]
fn escrow_door(escrow: FileEscrow) -> Arc<dyn Escrow> {
    crate::failpoints::escrow(escrow)
}

fn providers(
    config: &Config,
    around: &Surroundings,
) -> anyhow::Result<HashMap<ProviderName, Arc<dyn ProviderClient>>> {
    let egress = config.open_egress().map_err(anyhow::Error::msg)?.counted_in(around.calls.clone());
    let egress = match config.telemetry.propagate_to_providers {
        true => egress.telling(around.telemetry.traces()),
        false => egress,
    };
    let mut providers: HashMap<ProviderName, Arc<dyn ProviderClient>> = HashMap::new();
    for (name, provider) in &config.providers {
        let client = OAuthClient::new(provider.definition(), egress.clone(), around.clock.clone())
            .map_err(|problems| anyhow!("[providers.{name}] {}", join(&problems)))?;
        providers.insert(ProviderName::new(name.as_str())?, Arc::new(client));
    }
    Ok(providers)
}

fn join(problems: &[DefinitionProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
