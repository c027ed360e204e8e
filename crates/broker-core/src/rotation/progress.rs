//! How far a long replay is, for the log: a start that takes a minute is not to look like one that hangs.

use std::time::Duration;

use crate::Timestamp;

/// Fewer records are replayed in no time.
const MANY: usize = 1000;

/// How often it is told how far a replay is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// A replay under way.
#[derive(Debug)]
pub(super) struct Progress {
    records: usize,
    done: usize,
    told_at: Timestamp,
}

impl Progress {
    /// A replay of that many records begins.
    pub(super) fn begin(records: usize, now: Timestamp) -> Self {
        if records >= MANY {
            tracing::info!(records, "replaying the journal");
        }
        Self { records, done: 0, told_at: now }
    }

    /// One more record was looked at.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.done += 1;
        if self.is_to_be_told(now) {
            self.told_at = now;
            tracing::info!(done = self.done, records = self.records, "replaying the journal");
        }
    }

    /// Now and then, and at the end.
    fn is_to_be_told(&self, now: Timestamp) -> bool {
        self.records >= MANY && (self.done == self.records || now.since(self.told_at) >= TELL_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    /// The counts told, of a replay that takes a second for each record.
    fn told(records: usize) -> Vec<usize> {
        let mut progress = Progress::begin(records, START);
        let mut told = Vec::new();
        for second in 1..=records {
            let (before, now) = (progress.told_at, START + Duration::from_secs(second as u64));
            progress.advance(now);
            if progress.told_at != before {
                told.push(progress.done);
            }
        }
        told
    }

    #[test]
    fn a_long_replay_is_told_now_and_then_and_a_short_one_never() {
        assert!(told(999).is_empty());
        let told = told(1001);
        assert_eq!((&told[..3], told.len()), (&[5, 10, 15][..], 201));
        assert_eq!(told.last(), Some(&1001), "the end of it");
    }
}
