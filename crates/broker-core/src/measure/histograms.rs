//! Distributions of times by what took them.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use super::{Distribution, Histogram};

/// Histograms by key, with the same bounds. Whoever counts sees to it that there are few keys.
#[derive(Debug)]
pub struct Histograms<K> {
    bounds: &'static [f64],
    known: RwLock<BTreeMap<K, Histogram>>,
}

impl<K: Ord + Clone> Histograms<K> {
    /// Empty ones with these upper bounds in seconds, in ascending order.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, known: RwLock::default() }
    }

    /// Counts a time.
    pub fn observe<Q>(&self, key: &Q, time: Duration)
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return known.observe(time);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(key.to_owned()).or_insert_with(|| Histogram::new(self.bounds)).observe(time);
    }

    /// Every distribution, in the order of the keys.
    pub fn read(&self) -> Vec<(K, Distribution)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(key, histogram)| (key.clone(), histogram.read())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_distribution_of_its_own() {
        let histograms: Histograms<String> = Histograms::new(&[1.0]);
        for (key, seconds) in [("b", 1), ("a", 2), ("b", 2)] {
            histograms.observe(&key.to_owned(), Duration::from_secs(seconds));
        }
        let read: Vec<_> = histograms.read().into_iter().map(|(key, d)| (key, d.counts)).collect();
        assert_eq!(read, [("a".to_owned(), vec![0, 1]), ("b".to_owned(), vec![1, 1])]);
    }
}
