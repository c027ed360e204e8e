//! The segments of this run: which one is written to, when the next begins, whether there is room.

mod past;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use broker_core::Timestamp;

use crate::Limits;
use crate::newest::{Head, Newest};
use crate::scan::Extent;
use crate::segment::{HEADROOM, Segment};

use past::Past;
pub(crate) use past::Tidied;

const HOUR: Duration = Duration::from_secs(3600);

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
    newest: Newest,
    /// How many newest records were let go for want of room.
    let_go: u64,
    warned_at: Option<Timestamp>,
}

impl Journal {
    pub(crate) fn start(
        directory: PathBuf,
        limits: Limits,
        first: u64,
        earlier_bytes: u64,
    ) -> io::Result<Self> {
        let active = Segment::create(&directory, first)?;
        Ok(Self {
            directory,
            limits,
            earlier_bytes,
            past: VecDeque::new(),
            active,
            torn: false,
            newest: Newest::default(),
            let_go: 0,
            warned_at: None,
        })
    }

    /// Begins a new segment where due and makes sure of room for the next records.
    pub(crate) fn reserve(&mut self) -> io::Result<()> {
        if self.torn || self.active.written >= self.limits.segment_bytes {
            self.roll()?;
        }
        match self.bytes() + HEADROOM <= self.limits.total_bytes {
            true => self.active.reserve(),
            false => Err(io::Error::new(io::ErrorKind::QuotaExceeded, "the configured size is reached")),
        }
    }

    /// Writes a record and answers the file it is in.
    pub(crate) fn append(&mut self, record: &[u8], head: Head) -> io::Result<(u64, Arc<File>)> {
        if self.torn {
            self.roll()?;
        }
        let written = self.active.append(record, head.received_at);
        self.torn = written.is_err();
        written?;
        self.newest.note(self.active.number, head);
        Ok((self.active.number, self.active.file()))
    }

    /// The disk would not take what was written to this segment.
    pub(crate) fn leave(&mut self, segment: u64) {
        self.torn |= self.active.number == segment;
    }

    pub(crate) fn extent(&self) -> Extent {
        Extent { segment: self.active.number, bytes: self.active.written }
    }

    /// Whether this run has a newer record of the same grant.
    pub(crate) fn outranks(&self, head: &Head) -> bool {
        self.newest.outranks(head)
    }

    /// So many bytes of earlier runs are kept.
    pub(crate) fn earlier_kept(&mut self, bytes: u64) {
        self.earlier_bytes = bytes;
    }

    /// So many newest records had to go.
    pub(crate) fn count_let_go(&mut self, records: u64) {
        self.let_go += records;
        let now = self.latest();
        let quiet = self.warned_at.zip(now).is_some_and(|(warned, now)| now.since(warned) < HOUR);
        if records > 0 && !quiet {
            self.warned_at = now;
            tracing::warn!(
                records = self.let_go,
                "the escrow is too small for the newest response of every grant: raise its configured size"
            );
        }
    }

    /// How many newest records had to go since the start.
    pub(crate) fn let_go(&self) -> u64 {
        self.let_go
    }

    fn bytes(&self) -> u64 {
        self.earlier_bytes + self.past.iter().map(|past| past.bytes).sum::<u64>() + self.active.written
    }

    fn roll(&mut self) -> io::Result<()> {
        let next = Segment::create(&self.directory, self.active.number + 1)?;
        let last = std::mem::replace(&mut self.active, next);
        last.finish();
        let Segment { number, written: bytes, newest, .. } = last;
        self.past.push_back(Past { number, bytes, newest, fixed: false });
        self.torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::segment;
    use crate::testing::record;

    #[test]
    fn nothing_is_written_behind_an_end_that_may_be_torn() {
        let directory = TempDir::new().unwrap();
        let mut journal = Journal::start(directory.path().to_owned(), Limits::default(), 1, 0).unwrap();
        let append = |journal: &mut Journal, bytes: &[u8]| {
            journal.append(bytes, Head::of_record(&record(1), bytes.len())).map(|(segment, _)| segment)
        };
        assert_eq!(append(&mut journal, b"first").unwrap(), 1);
        journal.active.break_disk();
        assert_eq!(append(&mut journal, b"lost").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(append(&mut journal, b"second").unwrap(), 2);
        journal.leave(2);
        assert_eq!(append(&mut journal, b"third").unwrap(), 3);
        let read = |number| fs::read(segment::path_of(directory.path(), number)).unwrap();
        assert_eq!([read(1), read(2), read(3)], [b"first".to_vec(), b"second".to_vec(), b"third".to_vec()]);
    }
}
