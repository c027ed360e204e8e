//! How long to wait after failures.

use std::time::Duration;

use super::options::Options;

/// The wait after so many failures in a row: what the broker asked for, or half of a time that doubles; and a random time besides.
pub(super) fn wait(failures: u32, asked: Option<Duration>, options: &Options) -> Duration {
    let doubled = options.first_retry.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let half = doubled.min(options.longest_retry) / 2;
    asked.unwrap_or(half).saturating_add(half.mul_f64((options.jitter)().clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn waits_double_to_the_longest_and_are_spread() {
        for (jitter, waits) in [(0.0, [500, 1000, 2000, 30_000]), (0.5, [750, 1500, 3000, 45_000])] {
            let options = Options { jitter: Arc::new(move || jitter), ..Options::default() };
            let waited = [1, 2, 3, 40].map(|failures| wait(failures, None, &options));
            assert_eq!(waited, waits.map(Duration::from_millis));
        }
    }

    #[test]
    fn what_the_broker_asks_is_the_least() {
        let options = Options { jitter: Arc::new(|| 0.5), ..Options::default() };
        assert_eq!(wait(1, Some(Duration::from_secs(90)), &options), Duration::from_millis(90_250));
    }
}
