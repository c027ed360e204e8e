//! How often: token buckets, and the budget of calls that all replicas together have at a provider.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;

use crate::{Clock, ProviderName, Timestamp};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Gives permission to call providers.
#[async_trait]
pub trait ProviderBudget: Send + Sync {
    /// How many of `want` calls of `provider` may be made now; those are spent. All of them for a provider without a
    /// limit. Never fails: without its backend an implementation gives what is certainly within the limit.
    async fn take(&self, provider: &ProviderName, want: u32) -> u32;

    /// From now on these are the limits.
    fn set_limits(&self, limits: BudgetLimits);
}

/// A limit: calls per second over a long time, and how many at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLimit {
    interval_micros: i64,
    burst: u32,
}

/// The limits of all providers that have one.
pub type BudgetLimits = HashMap<ProviderName, BudgetLimit>;

/// Why a limit was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a budget needs a rate between one call a day and 1,000,000 calls a second, and a burst of at least 1 that comes \
     back within a day"
)]
pub struct BadBudget;

impl BudgetLimit {
    /// A limit of `per_second` calls, `burst` of them at once. Rounded down to a whole number of microseconds per call.
    pub fn new(per_second: f64, burst: u32) -> Result<Self, BadBudget> {
        if !(1.0 / 86_400.0..=1_000_000.0).contains(&per_second) || burst == 0 {
            return Err(BadBudget);
        }
        let limit = Self { interval_micros: (1_000_000.0 / per_second).ceil() as i64, burst };
        if limit.span_micros() > MICROS_PER_DAY { Err(BadBudget) } else { Ok(limit) }
    }

    /// Microseconds per call.
    pub fn interval_micros(&self) -> i64 {
        self.interval_micros
    }

    /// How many calls at once after a rest.
    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// The part of one of `replicas` that cannot talk to each other.
    #[must_use]
    pub fn share(self, replicas: NonZeroU16) -> Self {
        let replicas = replicas.get();
        Self {
            interval_micros: self.interval_micros.saturating_mul(i64::from(replicas)),
            burst: (self.burst / u32::from(replicas)).max(1),
        }
    }

    /// How long an empty bucket takes to fill.
    fn span_micros(self) -> i64 {
        self.interval_micros.saturating_mul(i64::from(self.burst))
    }
}

/// A token bucket, kept as the time at which it will be full (the generic cell rate algorithm).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    full_at: i64,
}

impl Bucket {
    /// A bucket that holds its whole burst.
    pub(crate) fn full(at: Timestamp) -> Self {
        Self { full_at: at.as_unix_micros() }
    }

    pub(crate) fn is_full(self, at: Timestamp) -> bool {
        self.full_at <= at.as_unix_micros()
    }

    /// How long until it holds a whole call.
    pub(crate) fn next_in(self, limit: BudgetLimit, at: Timestamp) -> Duration {
        let held = limit.span_micros() - self.used(limit, at);
        Duration::from_micros(u64::try_from(limit.interval_micros - held).unwrap_or(0))
    }

    /// Grants whole calls only.
    pub(crate) fn take(&mut self, limit: BudgetLimit, want: u32, at: Timestamp) -> u32 {
        let (now, span) = (at.as_unix_micros(), limit.span_micros());
        let used = self.used(limit, at);
        // Never saturates: a bucket holds no more than its burst.
        let held = u32::try_from((span - used) / limit.interval_micros).unwrap_or(u32::MAX);
        let granted = want.min(held);
        self.full_at = now + used + i64::from(granted) * limit.interval_micros;
        granted
    }

    /// A bucket is never emptier than empty, so that a clock set back stops nothing for long.
    fn used(self, limit: BudgetLimit, at: Timestamp) -> i64 {
        self.full_at.saturating_sub(at.as_unix_micros()).clamp(0, limit.span_micros())
    }
}

/// Budgets of one process.
pub struct InProcessBudget {
    clock: Arc<dyn Clock>,
    limits: RwLock<BudgetLimits>,
    buckets: Mutex<HashMap<ProviderName, Bucket>>,
}

impl InProcessBudget {
    /// Every bucket is full.
    pub fn new(clock: Arc<dyn Clock>, limits: BudgetLimits) -> Self {
        Self { clock, limits: RwLock::new(limits), buckets: Mutex::default() }
    }

    /// As [`ProviderBudget::take`], without waiting for anything.
    pub fn take_now(&self, provider: &ProviderName, want: u32) -> u32 {
        let limit = self.limits.read().unwrap_or_else(PoisonError::into_inner).get(provider).copied();
        let Some(limit) = limit else { return want };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that time does not go backwards between two callers.
        let now = self.clock.now();
        buckets.entry(provider.clone()).or_insert(Bucket::full(now)).take(limit, want, now)
    }

    /// As [`ProviderBudget::set_limits`]. What was spent stays spent.
    pub fn replace_limits(&self, limits: BudgetLimits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }
}

#[async_trait]
impl ProviderBudget for InProcessBudget {
    async fn take(&self, provider: &ProviderName, want: u32) -> u32 {
        self.take_now(provider, want)
    }

    fn set_limits(&self, limits: BudgetLimits) {
        self.replace_limits(limits);
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
