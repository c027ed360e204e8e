//! The segments of this run that are written no more: which are made smaller, which go.
//!
//! A claim needs the store, so a response the store does not have yet is one of the few last written, never one of a
//! segment that others have followed: letting older ones go loses nothing the store was not told. The newest success of
//! each grant is kept nevertheless, while there is room, for a store that forgets what it was told.
//!
//! Only one at a time may ask and act: who holds the turn (`tidy.rs`).

use std::fs;
use std::io;

use broker_core::Timestamp;

use super::Journal;
use crate::segment::{self, HEADROOM};
use crate::source::{Kept, Source};

/// A segment of this run that is written no more.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) newest: Option<Timestamp>,
    /// It could not be written anew and is not tried again.
    pub(super) fixed: bool,
}

/// What is to be done about past segments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tidied {
    /// Nothing.
    Nothing,
    /// This segment is to be written anew.
    Rewrite(u64),
    /// The oldest was deleted.
    Deleted,
}

impl Journal {
    /// Deletes what is too old, and finds out what else is to be done.
    pub(crate) fn tidy(&mut self) -> io::Result<Tidied> {
        while self.past.front().is_some_and(|oldest| self.is_old(oldest)) {
            self.delete_oldest()?;
        }
        if let Some(number) = self.worth_rewriting() {
            return Ok(Tidied::Rewrite(number));
        }
        // Never the last closed one: what is in it may have been written a moment ago.
        if !self.is_short() || self.past.len() < 2 {
            return Ok(Tidied::Nothing);
        }
        let newest = self.newest.live(self.past[0].number).records;
        self.delete_oldest()?;
        self.count_let_go(newest);
        Ok(Tidied::Deleted)
    }

    /// What of a segment is to stay.
    pub(crate) fn kept_of(&mut self, source: &Source) -> Kept {
        if let Some(now) = self.latest() {
            self.newest.forget_older(source.number, now, self.limits.keep);
        }
        source.kept(|head, _| self.newest.is(source.number, head))
    }

    /// A past segment was written anew and has so many bytes now; if it has none, it is gone.
    pub(crate) fn rewritten(&mut self, segment: u64, bytes: u64) {
        self.past.iter_mut().filter(|past| past.number == segment).for_each(|past| past.bytes = bytes);
        self.past.retain(|past| past.number != segment || bytes > 0);
    }

    /// A past segment cannot be written anew.
    pub(crate) fn fix(&mut self, segment: u64) {
        self.past.iter_mut().filter(|past| past.number == segment).for_each(|past| past.fixed = true);
    }

    /// The segment with the smallest live share, if that is small enough: half, or seven eighths where room is short.
    fn worth_rewriting(&self) -> Option<u64> {
        let most = if self.is_short() { 7 } else { 4 };
        let followed = self.past.iter().take(self.past.len().saturating_sub(1)).filter(|past| !past.fixed);
        let eighths = |past: &Past| 8 * self.newest.live(past.number).bytes / past.bytes.max(1);
        let smallest = followed.min_by_key(|past| eighths(past))?;
        (eighths(smallest) < most).then_some(smallest.number)
    }

    /// Room for what is on its way, and for a segment that is written anew while the old one still stands.
    fn is_short(&self) -> bool {
        self.bytes() + 2 * HEADROOM + self.limits.segment_bytes > self.limits.total_bytes
    }

    fn is_old(&self, past: &Past) -> bool {
        past.newest.zip(self.latest()).is_none_or(|(newest, latest)| latest.since(newest) > self.limits.keep)
    }

    /// Time is what the newest record says: a journal nobody writes to does not grow.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.active.newest.or_else(|| self.past.back()?.newest)
    }

    fn delete_oldest(&mut self) -> io::Result<()> {
        let Some(oldest) = self.past.front() else { return Ok(()) };
        fs::remove_file(segment::path_of(&self.directory, oldest.number))?;
        self.newest.forget(oldest.number);
        self.past.pop_front();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::Limits;
    use crate::newest::Head;
    use crate::testing::record;

    const LIMITS: Limits =
        Limits { segment_bytes: 1 << 20, total_bytes: 8 << 20, keep: std::time::Duration::from_secs(60) };

    /// A whole segment of one record; the next one follows it.
    fn fill(journal: &mut Journal, grant: u8) {
        journal.append(&[0; 1 << 20], Head::of_record(&record(grant), 1 << 20)).unwrap();
        journal.roll().unwrap();
    }

    #[test]
    fn the_last_closed_segment_stays_as_it_is_though_nothing_in_it_counts_any_more() {
        let directory = TempDir::new().unwrap();
        let mut journal = Journal::start(directory.path().to_owned(), LIMITS, 1, 7 << 20).unwrap();
        fill(&mut journal, 1);
        journal.append(&[0; 10], Head::of_record(&record(1), 10)).unwrap();
        assert_eq!(journal.tidy().unwrap(), Tidied::Nothing, "neither made smaller nor deleted");
        fill(&mut journal, 2);
        assert_eq!(journal.tidy().unwrap(), Tidied::Rewrite(1));
    }

    #[test]
    fn what_cannot_be_made_smaller_is_deleted_where_room_is_short_and_counted() {
        let directory = TempDir::new().unwrap();
        let mut journal = Journal::start(directory.path().to_owned(), LIMITS, 1, 7 << 20).unwrap();
        fill(&mut journal, 1);
        fill(&mut journal, 2);
        assert_eq!((journal.tidy().unwrap(), journal.let_go()), (Tidied::Deleted, 1));
        assert_eq!((journal.tidy().unwrap(), journal.let_go()), (Tidied::Nothing, 1));
    }

    #[test]
    fn a_segment_that_could_not_be_made_smaller_is_not_tried_again() {
        let directory = TempDir::new().unwrap();
        let mut journal = Journal::start(directory.path().to_owned(), LIMITS, 1, 0).unwrap();
        (0..3).for_each(|_| fill(&mut journal, 1));
        assert_eq!(journal.tidy().unwrap(), Tidied::Rewrite(1));
        journal.fix(1);
        assert_eq!(journal.tidy().unwrap(), Tidied::Rewrite(2));
        journal.rewritten(2, 0);
        assert_eq!(journal.tidy().unwrap(), Tidied::Nothing);
    }
}
