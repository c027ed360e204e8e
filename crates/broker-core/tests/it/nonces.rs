//! Random bytes that tell how many nonces were drawn: one for each value sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use broker_crypto::{Entropy, SeededEntropy};

/// Of AES-GCM. Ids and states are of other lengths.
const NONCE: usize = 12;

#[derive(Clone, Default)]
pub(crate) struct Nonces(Arc<AtomicU64>);

impl Nonces {
    /// How many were drawn.
    pub(crate) fn drawn(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Random bytes of a run, counted here.
    pub(crate) fn counted(&self, run: u64) -> Arc<dyn Entropy> {
        Arc::new(Counted { inner: SeededEntropy::new(run), nonces: self.clone() })
    }
}

struct Counted {
    inner: SeededEntropy,
    nonces: Nonces,
}

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() == NONCE {
            self.nonces.0.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.fill(bytes);
    }
}
