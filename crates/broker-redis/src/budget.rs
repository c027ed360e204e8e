//! Budgets: one bucket per provider for all replicas, on the clock of Redis.

use std::num::NonZeroU16;
use std::sync::{LazyLock, PoisonError};

use async_trait::async_trait;
use broker_core::ProviderName;
use broker_core::ports::{BudgetLimit, BudgetLimits, ProviderBudget};
use redis::Script;

use crate::problem::Problem;
use crate::{RedisCoordinator, keys};

/// The same arithmetic as core's own bucket: the key holds the time, in microseconds, at which the bucket is full. Every
/// number is whole and below 2^53, where Lua's are exact. A key that is gone, or holds no number, is a full bucket.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local interval, burst, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
         local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local full_at = tonumber(redis.call('GET', KEYS[1])) or now
         local span = burst * interval
         local used = math.min(math.max(full_at - now, 0), span)
         local granted = math.min(want, math.floor((span - used) / interval))
         used = used + granted * interval
         if used > 0 then
           redis.call('SET', KEYS[1], string.format('%.0f', now + used), 'PX', math.ceil(used / 1000))
         end
         return granted",
    )
});

#[async_trait]
impl ProviderBudget for RedisCoordinator {
    async fn take(&self, provider: &ProviderName, want: u32) -> u32 {
        let limit = self.budgets.read().unwrap_or_else(PoisonError::into_inner).get(provider).copied();
        let Some(limit) = limit else { return want };
        match self.take_shared(provider, limit, want).await {
            // A foreign hand at the script's key could answer anything.
            Ok(granted) => granted.min(want),
            Err(_) => {
                self.health.count_budget_fallback();
                self.own_share.take_now(provider, want)
            }
        }
    }

    fn set_limits(&self, limits: BudgetLimits) {
        self.own_share.replace_limits(shares(&limits, self.fallback_share));
        *self.budgets.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }
}

/// What one replica may do without Redis.
pub(crate) fn shares(limits: &BudgetLimits, replicas: NonZeroU16) -> BudgetLimits {
    limits.iter().map(|(name, limit)| (name.clone(), limit.share(replicas))).collect()
}

impl RedisCoordinator {
    async fn take_shared(
        &self,
        provider: &ProviderName,
        limit: BudgetLimit,
        want: u32,
    ) -> Result<u32, Problem> {
        let mut take = TAKE.key(keys::budget(provider));
        take.arg(limit.interval_micros()).arg(limit.burst()).arg(want);
        self.link.run(async |mut redis| take.invoke_async(&mut redis).await).await
    }
}
