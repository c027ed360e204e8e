//! How much lies in the journal that the store does not have yet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Broker, Timestamp};

/// What of this replica's journal is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EscrowLoad {
    /// Answers that the store does not have yet.
    pub records: u64,
    /// The bytes of their sealed bodies.
    pub bytes: u64,
    /// When the one was received that has lain there longest.
    pub oldest: Option<Timestamp>,
    /// Records that could not be read at the last replay; the files that hold them are kept for a day.
    pub damaged: u64,
}

impl EscrowLoad {
    /// One answer more, of so many bytes.
    pub(super) fn add(&mut self, received_at: Timestamp, bytes: u64) {
        self.records += 1;
        self.bytes += bytes;
        self.oldest = Some(self.oldest.map_or(received_at, |oldest| oldest.min(received_at)));
    }
}

/// Answers that are being settled now, and what the last replay left.
#[derive(Debug, Default)]
pub(crate) struct EscrowCounts {
    under_way: Arc<Mutex<UnderWay>>,
    left: Mutex<EscrowLoad>,
}

/// The bytes of each answer, by when it was received and by which it is of all.
#[derive(Debug, Default)]
struct UnderWay {
    answers: BTreeMap<(Timestamp, u64), u64>,
    written: u64,
}

/// An answer in the journal, until it is dropped: then it is settled, or left for a replay.
#[derive(Debug)]
pub(crate) struct Escrowed {
    counts: Arc<Mutex<UnderWay>>,
    place: (Timestamp, u64),
}

impl EscrowCounts {
    /// An answer of so many bytes was written.
    pub(super) fn written(&self, received_at: Timestamp, bytes: usize) -> Escrowed {
        let mut under_way = locked(&self.under_way);
        under_way.written += 1;
        let place = (received_at, under_way.written);
        under_way.answers.insert(place, bytes as u64);
        Escrowed { counts: self.under_way.clone(), place }
    }

    /// A replay left that.
    pub(super) fn replayed(&self, left: EscrowLoad) {
        *locked(&self.left) = left;
    }

    fn load(&self) -> EscrowLoad {
        let mut load = *locked(&self.left);
        for ((received_at, _), bytes) in &locked(&self.under_way).answers {
            load.add(*received_at, *bytes);
        }
        load
    }
}

impl Drop for Escrowed {
    fn drop(&mut self) {
        locked(&self.counts).answers.remove(&self.place);
    }
}

impl Broker {
    /// How much of this replica's journal is not settled, and since when.
    pub fn escrow_load(&self) -> EscrowLoad {
        self.escrow_counts.load()
    }
}

fn locked<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_seconds(second)
    }

    #[test]
    fn an_answer_counts_until_it_is_settled() {
        let counts = EscrowCounts::default();
        let now = || {
            let load = counts.load();
            (load.records, load.bytes, load.oldest)
        };
        let (first, second) = (counts.written(at(7), 100), counts.written(at(7), 20));
        assert_eq!(now(), (2, 120, Some(at(7))));
        drop(first);
        assert_eq!(now(), (1, 20, Some(at(7))));
        drop(second);
        assert_eq!(now(), (0, 0, None));
    }

    #[test]
    fn what_a_replay_left_is_old_however_much_comes_and_goes() {
        let counts = EscrowCounts::default();
        let mut left = EscrowLoad { damaged: 3, ..EscrowLoad::default() };
        left.add(at(9), 10);
        left.add(at(2), 10);
        counts.replayed(left);
        let _new = counts.written(at(50), 5);
        assert_eq!(counts.load(), EscrowLoad { records: 3, bytes: 25, oldest: Some(at(2)), damaged: 3 });
        counts.replayed(EscrowLoad::default());
        assert_eq!(counts.load().oldest, Some(at(50)));
    }
}
