//! What replicas coordinate through: Redis, or this process alone. None of it is needed for safety.

use std::sync::Arc;

use anyhow::Context;
use broker_core::ports::{
    CoordinationSnapshot, InProcessBudget, InProcessLeases, InProcessWakeups, LeaseManager, ProviderBudget,
    Wakeups,
};
use broker_redis::RedisCoordinator;

use crate::config::Config;
use crate::wiring::Surroundings;

/// Leases, wake-ups and budgets.
#[derive(Clone)]
pub(crate) struct Coordination {
    pub(crate) leases: Arc<dyn LeaseManager>,
    pub(crate) wakeups: Arc<dyn Wakeups>,
    pub(crate) budget: Arc<dyn ProviderBudget>,
    redis: Option<Arc<RedisCoordinator>>,
}

impl Coordination {
    /// Does not fail because Redis is down: it heals by itself.
    pub(crate) fn open(config: &Config, around: &Surroundings) -> anyhow::Result<Self> {
        let budgets = config.budgets().map_err(anyhow::Error::msg)?;
        let clock = around.clock.clone();
        let Some(redis) = config.lease.redis(budgets.clone()).map_err(anyhow::Error::msg)? else {
            return Ok(Self {
                leases: Arc::new(InProcessLeases::new(clock.clone())),
                wakeups: Arc::new(InProcessWakeups::default()),
                budget: Arc::new(InProcessBudget::new(clock, budgets)),
                redis: None,
            });
        };
        let redis =
            RedisCoordinator::connect(redis, clock, around.entropy.clone()).context("cannot use [lease]")?;
        Ok(Self { leases: redis.clone(), wakeups: redis.clone(), budget: redis.clone(), redis: Some(redis) })
    }

    /// How Redis is; `None` where there is none.
    pub(crate) fn snapshot(&self) -> Option<CoordinationSnapshot> {
        self.redis.as_ref().map(|redis| redis.health().snapshot())
    }

    /// Ends the connections.
    pub(crate) async fn close(&self) {
        if let Some(redis) = &self.redis {
            redis.close().await;
        }
    }
}
