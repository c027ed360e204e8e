//! Everything a storm goes over: providers, stores, replicas, and grants.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use broker_e2e::Dice;
use broker_escrow::inspect;

use crate::evidence::Reader;
use crate::fleet::Fleet;
use crate::frozen::Freezer;
use crate::grants::{self, Subject};
use crate::killer::Killer;
use crate::plan::Plan;
use crate::providers::Providers;
use crate::replica::Replica;
use crate::servers::Servers;
use crate::settings::{self, Home};
use crate::slow_adoption;
use crate::stores::Stores;

/// What stands there when the storm begins.
pub(crate) struct Scene {
    pub(crate) providers: Providers,
    pub(crate) stores: Stores,
    pub(crate) reader: Box<dyn Reader>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) subjects: Arc<[Subject]>,
    escrows: Vec<PathBuf>,
}

impl Scene {
    /// Starts providers and replicas in the directory, and obtains the grants.
    pub(crate) async fn set(
        plan: &Plan,
        servers: &Servers,
        directory: &Path,
        dice: Dice,
    ) -> Result<(Self, Killer)> {
        let providers = Providers::start(plan.token_life, plan.latency).await?;
        let stores = Stores::of(plan, servers, directory)?;
        settings::generate_key(&plan.broker, directory)?;
        let homes =
            (0..plan.replicas).map(|number| Home::furnish(number, directory, plan, &stores, &providers));
        let homes: Vec<Home> = homes.collect::<Result<_>>()?;
        if let Some(postgres) = stores.postgres() {
            settings::migrate(&plan.broker, &homes[0].config)?;
            slow_adoption::slow_down(postgres).await?;
        }
        let escrows = homes.iter().map(|home| home.escrow.clone()).collect();
        let freezer = Freezer::new(directory.join("frozen"), plan.keep.is_some());
        let replica = |(number, home)| Replica::new(number, home, plan, providers.clock(), &freezer);
        let fleet = Arc::new(Fleet::of(plan.replicas));
        let replicas = homes.into_iter().enumerate().map(replica).collect();
        let mut killer = Killer::new(replicas, Arc::clone(&fleet), dice, plan.kills);
        killer.start_all().await?;
        let client = fleet.client(0).context("the first replica does not serve")?;
        let subjects = grants::obtain(&client, &providers, plan.grants).await?.into();
        let reader = stores.reader().await?;
        Ok((Self { providers, stores, reader, fleet, subjects, escrows }, killer))
    }

    /// Which replica each run of a process was, by what the store says of their escrows.
    pub(crate) async fn replica_of_owners(&self) -> Result<impl Fn(u128) -> Option<usize> + use<>> {
        let owners = self.reader.escrow_of_owners().await?;
        let mut replicas = HashMap::new();
        for (number, escrow) in self.escrows.iter().enumerate() {
            replicas.insert(escrow_id(escrow)?, number);
        }
        Ok(move |owner| match &owners {
            // Without a word in the store there is one replica only.
            None => Some(0),
            Some(owners) => replicas.get(owners.get(&owner)?).copied(),
        })
    }
}

fn escrow_id(escrow: &Path) -> Result<u128> {
    let id = inspect(escrow)?.id.with_context(|| format!("{} has no id", escrow.display()))?;
    Ok(u128::from_be_bytes(*id.as_bytes()))
}
