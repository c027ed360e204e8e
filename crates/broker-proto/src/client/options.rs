//! What a client may be told.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Tells the time that tokens expire by.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> SystemTime;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Draws numbers from 0 up to, and without, 1, which spread retries.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// How a client behaves. Every time has a default.
#[derive(Clone)]
pub struct Options {
    /// How long a token must still be valid to be answered from memory; 60 s. The broker is told so too.
    pub min_validity: Duration,
    /// What the tokens are for; the broker logs it. At most 256 bytes.
    pub purpose: String,
    /// How long one call of the broker may take; 35 s.
    pub deadline: Duration,
    /// A key that nobody asked for this long is forgotten, and watched no more; 1 h.
    pub forget_after: Duration,
    /// How long new keys are collected before the stream is opened anew; 1 s.
    pub collect_keys_for: Duration,
    /// The first wait after a failure; it doubles with each more; 1 s.
    pub first_retry: Duration,
    /// The longest wait, unless the broker asks for a longer one; 60 s.
    pub longest_retry: Duration,
    /// A watched token whose successor did not come this long after it was expected is asked for; 30 s.
    pub overdue_after: Duration,
    /// The clock; that of the machine.
    pub clock: Arc<dyn Clock>,
    /// What spreads retries.
    pub jitter: Jitter,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            min_validity: Duration::from_secs(60),
            purpose: String::new(),
            deadline: Duration::from_secs(35),
            forget_after: Duration::from_secs(3600),
            collect_keys_for: Duration::from_secs(1),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(60),
            overdue_after: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
            jitter: hashed_jitter(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("min_validity", &self.min_validity).finish_non_exhaustive()
    }
}

/// The keys of a hash map are random enough to spread retries, and need no crate.
fn hashed_jitter() -> Jitter {
    Arc::new(|| {
        let drawn = RandomState::new().build_hasher().finish();
        f64::from(u32::try_from(drawn >> 32).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_spread_from_zero_to_one() {
        let jitter = hashed_jitter();
        let drawn: Vec<f64> = (0..1000).map(|_| jitter()).collect();
        assert!(drawn.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(drawn.iter().any(|number| *number < 0.1) && drawn.iter().any(|number| *number > 0.9));
    }
}
