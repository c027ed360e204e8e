//! What vending is made of. No provider, no journal and no refresh token is among it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::cache::{GrantCache, HeldGrant};
use super::minter::Minter;
use super::news::NewsDesk;
use super::refresher::{Here, Refresher};
use super::rejections::Rejections;
use crate::clock::within;
use crate::keys::TenantKeyCache;
use crate::ports::{GrantStore, MachineCredentialStore};
use crate::scheduler::Noted;
use crate::{Broker, BrokerError, Clock, FieldViolation, GrantKey, ProviderName, ProviderProfile, Timing};

/// How the configured providers treat tokens and grants, by name.
pub(crate) type Profiles = BTreeMap<ProviderName, ProviderProfile>;

/// Vends access tokens that work.
pub struct Vendor {
    pub(crate) grants: Arc<dyn GrantStore>,
    pub(crate) keys: Arc<TenantKeyCache>,
    pub(crate) cache: Arc<GrantCache>,
    pub(crate) news: Arc<NewsDesk>,
    pub(crate) noted: Arc<Noted>,
    pub(crate) rejections: Arc<Rejections>,
    pub(crate) profiles: Arc<Profiles>,
    pub(crate) refresher: Box<dyn Refresher>,
    pub(crate) minter: Box<dyn Minter>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) machine_credentials: Arc<dyn MachineCredentialStore>,
    pub(crate) timing: Timing,
}

impl Vendor {
    pub(super) fn profile(&self, name: &ProviderName) -> Result<&ProviderProfile, BrokerError> {
        self.profiles.get(name).ok_or_else(|| unknown_provider(self.profiles.keys()))
    }

    pub(super) async fn vendable(&self, key: &GrantKey) -> Result<HeldGrant, BrokerError> {
        self.cache.get_or_load(key, async || self.grants.vendable(key).await).await
    }

    /// The result of `work` if it comes while the caller waits.
    pub(super) async fn within<T>(&self, wait: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
        within(self.clock.as_ref(), wait.unwrap_or(self.timing.default_wait), work).await
    }
}

impl Broker {
    /// Vending with this broker's rotation behind it.
    pub fn vendor(self: &Arc<Self>) -> Vendor {
        Vendor {
            grants: self.grants.clone(),
            keys: self.keys.clone(),
            cache: self.cache.clone(),
            news: self.news.clone(),
            noted: self.noted.clone(),
            rejections: self.rejections.clone(),
            profiles: self.profiles.clone(),
            refresher: Box::new(Here(self.clone())),
            minter: Box::new(Here(self.clone())),
            clock: self.clock.clone(),
            machine_credentials: self.machine_credentials.clone(),
            timing: self.timing.clone(),
        }
    }
}

/// The error for a name that is not among those configured.
pub(crate) fn unknown_provider<'a>(known: impl Iterator<Item = &'a ProviderName>) -> BrokerError {
    let mut known: Vec<_> = known.map(ProviderName::as_str).collect();
    known.sort_unstable();
    let problem = format!("is not a configured provider; configured are: {}", known.join(", "));
    BrokerError::InvalidRequest(vec![FieldViolation::new("provider", problem)])
}
