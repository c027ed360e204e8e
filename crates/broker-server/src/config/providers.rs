//! `[providers]`: what is configured goes over what is built in.

use std::collections::BTreeMap;

use broker_core::ProviderName;
use broker_core::ports::BudgetLimits;
use serde::{Deserialize, Deserializer};

use super::{Adapter, Config, ProviderConfig};

impl Config {
    /// The adapter of each provider, by its keyword.
    pub(crate) fn adapters(&self) -> BTreeMap<String, &'static str> {
        let adapter = |provider: &ProviderConfig| provider.adapter.map_or("", Adapter::as_str);
        self.providers.iter().map(|(name, provider)| (name.clone(), adapter(provider))).collect()
    }

    /// How often providers may be called by all replicas together, for those that have a limit.
    pub fn budgets(&self) -> Result<BudgetLimits, String> {
        let mut budgets = BudgetLimits::new();
        for (name, provider) in &self.providers {
            let told = |problem: String| format!("[providers.{name}] {problem}");
            let id = ProviderName::new(name.as_str()).map_err(|problem| told(problem.to_string()))?;
            if let Some(limit) = provider.budget().map_err(told)? {
                budgets.insert(id, limit);
            }
        }
        Ok(budgets)
    }
}

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
