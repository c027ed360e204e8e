//! `[providers]`: what is configured goes over what is built in.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::{Adapter, ProviderConfig};

/// The two providers every configuration has unless it takes them out.
pub(super) fn built_in() -> BTreeMap<String, ProviderConfig> {
    let evercam = ("evercam".to_owned(), ProviderConfig::of(Adapter::Evercam));
    BTreeMap::from([evercam, ("eagle-eye".to_owned(), ProviderConfig::of(Adapter::EagleEye))])
}

/// Reads the section. A built-in provider keeps its adapter unless another is named; one with `enabled = false` is out.
pub(super) fn merged<'de, D: Deserializer<'de>>(
    section: D,
) -> Result<BTreeMap<String, ProviderConfig>, D::Error> {
    let mut providers = built_in();
    for (name, configured) in BTreeMap::<String, ProviderConfig>::deserialize(section)? {
        let built_in = providers.get(&name).and_then(|provider| provider.adapter);
        let adapter = configured.adapter.or(built_in);
        providers.insert(name, ProviderConfig { adapter, ..configured });
    }
    providers.retain(|_, provider| provider.enabled != Some(false));
    Ok(providers)
}
