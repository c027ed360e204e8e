//! The door to the key encryption keys, opened.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use broker_crypto::KeyEncryption;
use broker_egress::EgressConfig;
use broker_transit::Transit;

use super::{KeyProvider, KeySource, KeyWatch};
use crate::config::{Config, TransitConfig};
use crate::data_keys::Samples;
use crate::held_keys::KeyPlace;
use crate::wiring::Surroundings;

/// What a broker needs of whoever holds the key encryption keys.
pub(crate) struct KeyDoor {
    pub(crate) encryption: Arc<dyn KeyEncryption>,
    /// Keeps the keys as their source is; a service needs nobody to.
    pub(crate) watch: Option<KeyWatch>,
    /// Where they are.
    pub(crate) place: KeyPlace,
}

impl KeyDoor {
    /// Opens it, and waits for a service as long as it may.
    pub(crate) async fn open(
        provider: KeyProvider,
        config: &Config,
        around: &Surroundings,
    ) -> anyhow::Result<Self> {
        match provider {
            KeyProvider::Source(source) => Self::to_source(source, around),
            KeyProvider::Transit(transit) => Self::to_transit(config, &transit, around).await,
        }
    }

    fn to_source(source: KeySource, around: &Surroundings) -> anyhow::Result<Self> {
        if let Some(path) = source.exposed_file() {
            tracing::warn!("kek_file {} is readable by others than its owner; chmod 600 it", path.display());
        }
        let place = KeyPlace { place: source.place(), samples: Samples::Many };
        let watch = KeyWatch::open(source, around.entropy.clone()).map_err(anyhow::Error::msg)?;
        Ok(Self { encryption: watch.ring(), watch: Some(watch), place })
    }

    async fn to_transit(
        config: &Config,
        transit: &TransitConfig,
        around: &Surroundings,
    ) -> anyhow::Result<Self> {
        let (address, login) = transit.checked().map_err(|problems| anyhow!(problems.join("; ")))?;
        let place = KeyPlace { place: format!("transit {address}"), samples: Samples::Few };
        let egress = config.open_egress_with(times()).map_err(anyhow::Error::msg)?;
        let egress = egress.counted_in(around.calls.clone());
        let service = Transit::new(address, login, egress, around.clock.clone());
        service.wait_until_usable(transit.start_within).await.with_context(|| {
            format!("[keys.transit] the {} cannot be used, and nothing can be opened without it", place.place)
        })?;
        Ok(Self { encryption: Arc::new(service), watch: None, place })
    }
}

/// A caller waits meanwhile: shorter than for a provider.
fn times() -> EgressConfig {
    EgressConfig {
        connect_timeout: Duration::from_secs(2),
        total_timeout: Duration::from_secs(5),
        ..EgressConfig::default()
    }
}
