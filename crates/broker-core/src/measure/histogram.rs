//! How times are distributed, in fixed buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MICROS: f64 = 1e6;

/// Counts times by the bucket they fall into. Three relaxed additions a time: no lock, no allocation.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than there are bounds: the last has what is above all of them.
    buckets: Box<[AtomicU64]>,
    /// In microseconds.
    sum: AtomicU64,
}

/// What a histogram counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The upper bounds of the buckets in seconds, each included in its bucket, in ascending order.
    pub bounds: &'static [f64],
    /// How many fell into each bucket alone; the last, which has no bound, is one more than there are bounds.
    pub counts: Vec<u64>,
    /// The sum of all times, in seconds.
    pub sum: f64,
}

impl Distribution {
    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Histogram {
    /// An empty one with these upper bounds in seconds, in ascending order.
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum: AtomicU64::new(0) }
    }

    /// Counts one time.
    pub fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed) as f64 / MICROS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_first_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::new(&[0.0, 1.0, 2.5]);
        for millis in [0, 1, 1000, 1001, 2500, 2501, 9000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let read = histogram.read();
        assert_eq!((read.counts.as_slice(), read.count()), ([1, 2, 2, 2].as_slice(), 7));
        assert!((read.sum - 16.003).abs() < 1e-9, "{}", read.sum);
    }
}
