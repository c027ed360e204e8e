//! Names nobody else has.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Sixteen hexadecimal digits that no other call answers, here or in another process.
pub(crate) fn unique() -> String {
    format!("{:016x}", random())
}

/// A random number; the standard library's hash keys are the entropy.
pub(crate) fn random() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(CALLS.fetch_add(1, Ordering::Relaxed))
}
