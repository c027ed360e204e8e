//! The configured providers and their health.

use std::collections::HashMap;

use crate::fleet::breaker_standing;
use crate::{BreakerStanding, Broker, BrokerError, ProviderName, ProviderProfile, Timestamp};

/// A configured provider and its health.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderStanding {
    /// The provider.
    pub provider: ProviderName,
    /// How it treats tokens and grants.
    pub profile: ProviderProfile,
    /// Whether this replica calls it: opens when it is down or throttles.
    pub circuit_breaker: BreakerStanding,
    /// Whether its refusals are believed: opens when it refuses many grants at once. One for the fleet.
    pub fleet_breaker: BreakerStanding,
    /// Open attempts there, of all replicas.
    pub in_flight: u64,
    /// When it last answered any replica with tokens, to within a heartbeat.
    pub last_success_at: Option<Timestamp>,
}

impl Broker {
    /// A page of the configured providers, by name.
    pub async fn list_providers(
        &self,
        after: Option<&ProviderName>,
        limit: u32,
    ) -> Result<Vec<ProviderStanding>, BrokerError> {
        let now = self.clock.now();
        let in_flight: HashMap<_, _> = self.scheduler.backlog(now).await?.in_flight.into_iter().collect();
        let successes: HashMap<_, _> = self.scheduler.last_successes().await?.into_iter().collect();
        let open = self.fleet_store.open_breakers().await?;
        let standing = |(name, profile): (ProviderName, ProviderProfile)| ProviderStanding {
            circuit_breaker: self.gates.standing(&name, now),
            fleet_breaker: open
                .iter()
                .find(|open| open.provider == name)
                .map_or_else(BreakerStanding::closed, breaker_standing),
            in_flight: in_flight.get(&name).copied().unwrap_or_default(),
            last_success_at: successes.get(&name).copied(),
            provider: name,
            profile,
        };
        let profiles = self.provider_profiles().into_iter();
        let page = profiles.filter(|(name, _)| after.is_none_or(|after| name > after));
        Ok(page.take(limit as usize).map(standing).collect())
    }
}
