//! Counting the grants of the whole installation, now and then: it reads all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::{ProviderGrants, StoreError};
use crate::{Broker, Timestamp};

/// How often, where counting is cheap.
const EVERY: Duration = Duration::from_secs(60);

/// Counting takes no more than this part of the time: the more grants there are, the rarer it is.
const SHARE: u32 = 100;

/// What was counted last.
#[derive(Debug, Default)]
pub struct Census(Mutex<Option<Counted>>);

/// What one count found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// When.
    pub at: Timestamp,
    /// The grants at every provider that is configured or has any.
    pub grants: Vec<ProviderGrants>,
    /// When the oldest event happened that an enabled webhook has not had yet, if there is one.
    pub undelivered_since: Option<Timestamp>,
}

impl Census {
    /// The last count, if there was one.
    pub fn last(&self) -> Option<Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, counted: Counted) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted);
    }
}

impl Broker {
    /// Counts at once and then every minute, or as rarely as its cost asks for, until `stop`.
    pub async fn run_census(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let began = Instant::now();
            if let Some(Err(error)) = stop.run_until_cancelled(self.take_census()).await {
                tracing::warn!(error = chain(&error), "the grants could not be counted");
            }
            let next = self.clock.now() + EVERY.max(began.elapsed() * SHARE);
            stop.run_until_cancelled(self.clock.sleep_until(next)).await;
        }
    }

    /// Counts once.
    pub async fn take_census(&self) -> Result<(), StoreError> {
        let at = self.clock.now();
        let none =
            self.provider_profiles().into_keys().map(|name| (name.clone(), ProviderGrants::none(name)));
        let mut grants: BTreeMap<_, _> = none.collect();
        for counted in self.scheduler.count_grants(at).await? {
            grants.insert(counted.provider.clone(), counted);
        }
        let undelivered_since = self.webhooks.undelivered_since().await?;
        let grants = grants.into_values().collect();
        self.measures.census.set(Counted { at, grants, undelivered_since });
        Ok(())
    }
}
