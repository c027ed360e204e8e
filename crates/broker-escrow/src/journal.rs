//! The segments of this run: which one is written to, when the next begins, when the oldest goes.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;

use broker_core::Timestamp;

use crate::Limits;
use crate::segment::{self, HEADROOM, Segment};

/// A segment of this run that is written no more.
#[derive(Debug)]
struct Past {
    number: u64,
    bytes: u64,
    newest: Option<Timestamp>,
}

/// What this run writes.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    limits: Limits,
    /// Bytes held by earlier runs, which only the caller may forget.
    earlier_bytes: u64,
    past: VecDeque<Past>,
    active: Segment,
    /// A write to the active segment failed: its end may be torn, nothing is written behind it.
    torn: bool,
}

impl Journal {
    pub(crate) fn start(
        directory: PathBuf,
        limits: Limits,
        first: u64,
        earlier_bytes: u64,
    ) -> io::Result<Self> {
        let active = Segment::create(&directory, first)?;
        Ok(Self { directory, limits, earlier_bytes, past: VecDeque::new(), active, torn: false })
    }

    /// Begins a new segment where due, lets old ones go, and makes sure of room for the next records.
    pub(crate) fn reserve(&mut self) -> io::Result<()> {
        if self.torn || self.active.written >= self.limits.segment_bytes {
            self.roll()?;
        }
        self.drop_old()?;
        match self.bytes() + HEADROOM <= self.limits.total_bytes {
            true => self.active.reserve(),
            false => Err(io::Error::new(io::ErrorKind::QuotaExceeded, "the configured size is reached")),
        }
    }

    pub(crate) fn append(&mut self, record: &[u8], received_at: Timestamp) -> io::Result<()> {
        if self.torn {
            self.roll()?;
        }
        let written = self.active.append(record, received_at);
        self.torn = written.is_err();
        written
    }

    /// So many bytes of earlier runs are kept.
    pub(crate) fn earlier_kept(&mut self, bytes: u64) {
        self.earlier_bytes = bytes;
    }

    fn bytes(&self) -> u64 {
        self.earlier_bytes + self.past.iter().map(|past| past.bytes).sum::<u64>() + self.active.written
    }

    fn roll(&mut self) -> io::Result<()> {
        let next = Segment::create(&self.directory, self.active.number + 1)?;
        let last = std::mem::replace(&mut self.active, next);
        last.finish();
        self.past.push_back(Past { number: last.number, bytes: last.written, newest: last.newest });
        self.torn = false;
        Ok(())
    }

    /// Deletes past segments that are older than is to be kept, and the oldest ones where room is short.
    ///
    /// That loses nothing: a claim needs the store, so a response the store does not have yet is one of the
    /// few last written, never one of a segment that others have followed.
    fn drop_old(&mut self) -> io::Result<()> {
        while let Some(oldest) = self.past.front() {
            let short = self.bytes() + 2 * HEADROOM > self.limits.total_bytes;
            if !short && !self.is_old(oldest) {
                break;
            }
            fs::remove_file(segment::path_of(&self.directory, oldest.number))?;
            self.past.pop_front();
        }
        Ok(())
    }

    /// Time is what the newest record says: a journal nobody writes to does not grow.
    fn is_old(&self, past: &Past) -> bool {
        let latest = self.active.newest.or_else(|| self.past.back()?.newest);
        past.newest.zip(latest).is_none_or(|(newest, latest)| latest.since(newest) > self.limits.keep)
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    #[test]
    fn nothing_is_written_behind_an_end_that_may_be_torn() {
        let directory = TempDir::new().unwrap();
        let mut journal = Journal::start(directory.path().to_owned(), Limits::default(), 1, 0).unwrap();
        journal.append(b"first", NOW).unwrap();
        journal.active.break_disk();
        assert_eq!(journal.append(b"lost", NOW).unwrap_err().kind(), io::ErrorKind::StorageFull);
        journal.append(b"second", NOW).unwrap();
        journal.reserve().unwrap();
        let read = |number| fs::read(segment::path_of(directory.path(), number)).unwrap();
        assert_eq!((read(1).as_slice(), read(2).as_slice()), (b"first".as_slice(), b"second".as_slice()));
    }
}
