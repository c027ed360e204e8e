//! After a failure Redis is left alone for a while: waiting for it costs each rotation its timeout.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use broker_core::Timestamp;

/// Open between a failure and the end of the rest after it.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    rest: Duration,
    failed_at: Mutex<Option<Timestamp>>,
}

impl Breaker {
    pub(crate) fn new(rest: Duration) -> Self {
        Self { rest, failed_at: Mutex::default() }
    }

    /// A clock that was set back does not prolong the rest.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.is_some_and(|at| at <= now && now < at + self.rest)
    }

    pub(crate) fn failed(&self, now: Timestamp) {
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    pub(crate) fn worked(&self) {
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_open_for_the_rest_after_a_failure() {
        let breaker = Breaker::new(Duration::from_secs(1));
        let at = Timestamp::from_unix_micros;
        assert!(!breaker.is_open(at(5_000_000)));
        breaker.failed(at(5_000_000));
        assert!(breaker.is_open(at(5_000_000)) && breaker.is_open(at(5_999_999)));
        assert!(!breaker.is_open(at(6_000_000)) && !breaker.is_open(at(4_000_000)));
        breaker.failed(at(6_000_000));
        breaker.worked();
        assert!(!breaker.is_open(at(6_000_001)));
    }
}
