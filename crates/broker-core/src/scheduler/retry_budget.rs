//! Retries, at most a tenth of a provider's traffic: a provider in trouble is not helped by more calls.

use std::time::Duration;

use crate::Timestamp;

/// First tries per retry they pay for, so that retries are a tenth of both together.
const FIRST_TRIES_PER_RETRY: u32 = 9;

/// Paid for at the most, in retries: what a quiet hour saves up must not become a burst.
const MOST_RETRIES: u32 = 10;

/// One retry is free in this time. A provider all of whose grants failed has no first tries to pay with.
const FREE_RETRY_EVERY: Duration = Duration::from_secs(10);

/// A token bucket of retries, filled by first tries.
#[derive(Debug)]
pub(super) struct RetryBudget {
    /// First tries that have not paid for a retry yet.
    paid: u32,
    next_free: Option<Timestamp>,
}

impl RetryBudget {
    pub(super) fn new() -> Self {
        Self { paid: 0, next_free: None }
    }

    pub(super) fn first_try(&mut self) {
        self.paid = (self.paid + 1).min(FIRST_TRIES_PER_RETRY * MOST_RETRIES);
    }

    pub(super) fn allows_retry(&self, now: Timestamp) -> bool {
        self.paid >= FIRST_TRIES_PER_RETRY || self.free(now)
    }

    /// Pays for a retry that was allowed.
    pub(super) fn retry(&mut self, now: Timestamp) {
        match self.paid.checked_sub(FIRST_TRIES_PER_RETRY) {
            Some(rest) => self.paid = rest,
            None => self.next_free = Some(now + FREE_RETRY_EVERY),
        }
    }

    fn free(&self, now: Timestamp) -> bool {
        self.next_free.is_none_or(|next| next <= now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::at;
    use super::*;

    proptest! {
        #[test]
        fn retries_are_a_tenth_of_the_traffic_and_one_in_ten_seconds(
            steps in proptest::collection::vec((proptest::bool::ANY, 0i64..3), 1..600)
        ) {
            let (mut budget, mut now) = (RetryBudget::new(), 0);
            let (mut first, mut retries) = (0u32, 0u32);
            for (retry, pause) in steps {
                now += pause;
                if !retry {
                    budget.first_try();
                    first += 1;
                } else if budget.allows_retry(at(now)) {
                    budget.retry(at(now));
                    retries += 1;
                }
                let free = 1 + u32::try_from(now / 10).unwrap();
                prop_assert!(retries <= first / 9 + free, "{retries} retries beside {first} first tries");
            }
        }
    }

    #[test]
    fn a_lone_grant_is_retried_all_the_same() {
        let mut budget = RetryBudget::new();
        let tried: Vec<_> = (0..30)
            .filter(|second| {
                let allowed = budget.allows_retry(at(*second));
                if allowed {
                    budget.retry(at(*second));
                }
                allowed
            })
            .collect();
        assert_eq!(tried, [0, 10, 20]);
    }
}
