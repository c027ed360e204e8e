//! Counts by what was counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts by key. Whoever counts sees to it that there are few keys.
#[derive(Debug)]
pub struct Counts<K>(Mutex<BTreeMap<K, u64>>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone> Counts<K> {
    /// One more.
    pub fn count(&self, key: K) {
        self.add(key, 1);
    }

    /// So many more.
    pub fn add(&self, key: K, more: u64) {
        *self.map().entry(key).or_default() += more;
    }

    /// Every count, in the order of the keys.
    pub fn read(&self) -> Vec<(K, u64)> {
        self.map().iter().map(|(key, count)| (key.clone(), *count)).collect()
    }

    fn map(&self) -> MutexGuard<'_, BTreeMap<K, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told_in_order() {
        let counts = Counts::default();
        counts.count("b");
        counts.count("a");
        counts.add("b", 2);
        assert_eq!(counts.read(), [("a", 1), ("b", 3)]);
    }
}
