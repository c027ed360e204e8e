//! Where random bytes come from: injected, so that nothing else may ask the operating system.

/// A source of cryptographically secure random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random data.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator (`getrandom(2)`).
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system")]
    #[expect(
        clippy::expect_used,
        reason = "never fails because getrandom(2) blocks until it is seeded and cannot fail after"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// A repeatable generator for tests: SHA-256 over a seed and a counter.
#[cfg(feature = "testing")]
#[derive(Debug, Default)]
pub struct SeededEntropy {
    seed: u64,
    counter: std::sync::atomic::AtomicU64,
}

#[cfg(feature = "testing")]
impl SeededEntropy {
    /// A generator whose output depends on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: Default::default() }
    }
}

#[cfg(feature = "testing")]
impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let n = self.counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let block = crate::sha256(&[self.seed.to_be_bytes(), n.to_be_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
