//! How often: a rate, and the buckets that keep to it. Each replica keeps its own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Clock;
use crate::ports::{Bucket, BudgetLimit};

/// So many buckets are kept before full ones, which are as good as none, are thrown away.
const KEPT: usize = 4096;

/// Requests per second over a long time. After a rest one second's worth may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequestRate {
    per_second: f64,
    limit: BudgetLimit,
}

/// Why a rate was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be between one request a day (0.0000116) and 1000000 requests a second")]
pub struct BadRate;

impl RequestRate {
    /// Checks and takes the rate.
    pub fn new(per_second: f64) -> Result<Self, BadRate> {
        let burst = per_second.ceil().max(1.0) as u32;
        let limit = BudgetLimit::new(per_second, burst).map_err(|_| BadRate)?;
        Ok(Self { per_second, limit })
    }

    /// Requests per second.
    pub fn per_second(self) -> f64 {
        self.per_second
    }
}

/// A bucket for each tenant, all of one rate.
pub(super) struct Buckets {
    limit: BudgetLimit,
    held: Mutex<Held>,
}

struct Held {
    of_tenants: HashMap<Box<str>, Bucket>,
    tidy_at: usize,
}

impl Buckets {
    /// Every bucket is full.
    pub(super) fn new(rate: RequestRate) -> Self {
        Self { limit: rate.limit, held: Mutex::new(Held { of_tenants: HashMap::new(), tidy_at: KEPT }) }
    }

    /// Spends one request of a tenant; else says how long until there is one.
    pub(super) fn take(&self, tenant: &str, clock: &dyn Clock) -> Result<(), Duration> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that time does not go backwards between two callers.
        let now = clock.now();
        if let Some(bucket) = held.of_tenants.get_mut(tenant) {
            return match bucket.take(self.limit, 1, now) {
                0 => Err(bucket.next_in(self.limit, now)),
                _ => Ok(()),
            };
        }
        let mut bucket = Bucket::full(now);
        bucket.take(self.limit, 1, now);
        held.tidy(|bucket| !bucket.is_full(now));
        held.of_tenants.insert(tenant.into(), bucket);
        Ok(())
    }
}

impl Held {
    /// Callers choose the names of tenants: names nobody uses any more must not pile up.
    fn tidy(&mut self, in_use: impl Fn(&Bucket) -> bool) {
        if self.of_tenants.len() >= self.tidy_at {
            self.of_tenants.retain(|_, bucket| in_use(bucket));
            self.tidy_at = KEPT.max(2 * self.of_tenants.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::testing::ManualClock;

    fn clock() -> ManualClock {
        ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000))
    }

    #[test]
    fn a_second_s_worth_comes_at_once_and_then_one_by_one() {
        let (buckets, clock) = (Buckets::new(RequestRate::new(2.0).unwrap()), clock());
        for _ in 0..2 {
            assert_eq!(buckets.take("acme", &clock), Ok(()));
        }
        assert_eq!(buckets.take("acme", &clock), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take("globex", &clock), Ok(()), "a bucket of its own");
        clock.advance(Duration::from_millis(499));
        assert_eq!(buckets.take("acme", &clock), Err(Duration::from_millis(1)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(buckets.take("acme", &clock), Ok(()));
    }

    #[test]
    fn less_than_one_a_second_is_a_rate() {
        let (buckets, clock) = (Buckets::new(RequestRate::new(0.1).unwrap()), clock());
        assert_eq!(buckets.take("acme", &clock), Ok(()));
        assert_eq!(buckets.take("acme", &clock), Err(Duration::from_secs(10)));
    }

    #[test]
    fn names_that_nobody_uses_are_forgotten() {
        let (buckets, clock) = (Buckets::new(RequestRate::new(1.0).unwrap()), clock());
        for number in 0..KEPT {
            buckets.take(&format!("tenant-{number}"), &clock).unwrap();
        }
        clock.advance(Duration::from_secs(2));
        buckets.take("acme", &clock).unwrap();
        assert_eq!(buckets.held.lock().unwrap().of_tenants.len(), 1);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 2e6, 1e-6] {
            assert_eq!(RequestRate::new(bad), Err(BadRate), "{bad}");
        }
        assert_eq!(RequestRate::new(0.5).unwrap().per_second(), 0.5);
    }
}
