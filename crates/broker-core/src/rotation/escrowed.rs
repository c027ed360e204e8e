//! How much lies in the journal that the store does not have yet.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Broker;

/// What of this replica's journal is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EscrowLoad {
    /// Answers that the store does not have yet.
    pub records: u64,
    /// The bytes of their sealed bodies.
    pub bytes: u64,
    /// Records that could not be read at the last replay; the files that hold them are kept for a day.
    pub damaged: u64,
}

/// Answers that are being settled now, and what the last replay left.
#[derive(Debug, Default)]
pub(crate) struct EscrowCounts {
    under_way: Arc<UnderWay>,
    left: Mutex<EscrowLoad>,
}

#[derive(Debug, Default)]
struct UnderWay {
    records: AtomicU64,
    bytes: AtomicU64,
}

/// An answer in the journal, until it is dropped: then it is settled, or left for a replay.
#[derive(Debug)]
pub(crate) struct Escrowed {
    counts: Arc<UnderWay>,
    bytes: u64,
}

impl EscrowCounts {
    /// An answer of so many bytes was written.
    pub(super) fn written(&self, bytes: usize) -> Escrowed {
        let (counts, bytes) = (self.under_way.clone(), bytes as u64);
        counts.records.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        Escrowed { counts, bytes }
    }

    /// A replay left that.
    pub(super) fn replayed(&self, left: EscrowLoad) {
        *self.left() = left;
    }

    fn left(&self) -> MutexGuard<'_, EscrowLoad> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Escrowed {
    fn drop(&mut self) {
        self.counts.records.fetch_sub(1, Ordering::Relaxed);
        self.counts.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Broker {
    /// How much of this replica's journal is not settled.
    pub fn escrow_load(&self) -> EscrowLoad {
        let (counts, left) = (&self.escrow_counts.under_way, *self.escrow_counts.left());
        EscrowLoad {
            records: left.records + counts.records.load(Ordering::Relaxed),
            bytes: left.bytes + counts.bytes.load(Ordering::Relaxed),
            ..left
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_until_it_is_settled() {
        let counts = EscrowCounts::default();
        let now = || {
            let counts = &counts.under_way;
            (counts.records.load(Ordering::Relaxed), counts.bytes.load(Ordering::Relaxed))
        };
        let (first, second) = (counts.written(100), counts.written(20));
        assert_eq!(now(), (2, 120));
        drop(first);
        assert_eq!(now(), (1, 20));
        drop(second);
        assert_eq!(now(), (0, 0));
    }
}
