//! How many answers kills must be expected to meet while nobody has read them.

use super::case::{Case, Record};

/// A storm in which nothing is wrong exceeds what is allowed once in so many.
const ONE_STORM_IN: f64 = 1_000.0;

/// How often somebody must be woken until an answer is safe: who reads it, who writes it into the journal, and who hears that it is
/// written. On a machine that is busy each takes about as long as the first, which is what is measured.
const WAKINGS: f64 = 3.0;

/// Answers of strict providers that are not in the journal yet when a kill comes: each for [`WAKINGS`] times the mean of what was
/// measured, and kills come as often as the lives of processes that were killed are short.
pub(super) fn expected_lost(cases: &[Case], record: &Record<'_>, unread_micros: &[u64]) -> f64 {
    let lives: u64 =
        record.deaths.iter().map(|death| death.killed_micros.saturating_sub(death.started_micros)).sum();
    let answers: usize = cases.iter().map(|case| case.strict_answers(record)).sum();
    if lives == 0 || unread_micros.is_empty() {
        return 0.0;
    }
    let mean = unread_micros.iter().sum::<u64>() as f64 / unread_micros.len() as f64;
    answers as f64 * WAKINGS * mean * record.deaths.len() as f64 / lives as f64
}

/// The smallest number that so many expected ones (of a Poisson distribution) exceed once in [`ONE_STORM_IN`].
pub(super) fn at_most(expected: f64) -> usize {
    let mut exactly = (-expected).exp();
    let (mut most, mut up_to) = (0, exactly);
    while up_to < 1.0 - 1.0 / ONE_STORM_IN && exactly > 0.0 {
        most += 1;
        exactly *= expected / most as f64;
        up_to += exactly;
    }
    most
}

#[cfg(test)]
mod tests {
    use super::at_most;

    #[test]
    fn chance_has_its_known_quantiles() {
        let quantiles = [0.0, 0.1, 1.0, 2.0, 10.0].map(at_most);
        assert_eq!(quantiles, [0, 2, 5, 8, 21]);
    }
}
