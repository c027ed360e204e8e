//! The journal as the middle sees it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use broker_core::Timestamp;
use broker_core::ports::{EarlierRecords, Escrow, EscrowError, EscrowRecord};
use broker_crypto::Entropy;

use crate::error::failed;
use crate::journal::Journal;
use crate::lock::DirectoryLock;
use crate::scan::Scan;
use crate::{EscrowId, Limits, OpenError, record, segment};

/// A journal in a directory of its own.
///
/// The files hold sealed bytes only and are readable by their owner alone. One process at a time may have the
/// directory open.
#[derive(Debug)]
pub struct FileEscrow {
    id: EscrowId,
    directory: PathBuf,
    limits: Limits,
    /// The first segment of this run; all below are of earlier ones.
    first: u64,
    // Writes are done in place, not on a thread for blocking work. A `write` of a few KiB into the page cache takes
    // microseconds; a thread's turn takes longer, and until the bytes are written a crash loses them.
    journal: Mutex<Journal>,
    _lock: DirectoryLock,
}

impl FileEscrow {
    /// Opens the journal in `directory`, which is created if it is not there.
    ///
    /// A new directory is given an id drawn from `entropy`.
    pub fn open(directory: &Path, limits: Limits, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        if !limits.suffice() {
            return Err(OpenError::TooSmall);
        }
        let unusable = || OpenError::io(directory);
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unusable())?;
        let lock = DirectoryLock::acquire(directory)?;
        let id = EscrowId::of_directory(directory, entropy)?;
        let earlier = Earlier::find(directory).map_err(unusable())?;
        let first = earlier.last.map_or(1, |last| last + 1);
        let journal =
            Journal::start(directory.to_owned(), limits, first, earlier.bytes).map_err(unusable())?;
        Ok(Self {
            id,
            directory: directory.to_owned(),
            limits,
            first,
            journal: Mutex::new(journal),
            _lock: lock,
        })
    }

    /// The directory's id.
    pub fn id(&self) -> EscrowId {
        self.id
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        // A panic cannot leave it half changed in a way that matters: its end is checked when it is read.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Escrow for FileEscrow {
    async fn reserve(&self) -> Result<(), EscrowError> {
        self.journal().reserve().map_err(failed(
            "there is no room for another response: free space on its disk, raise its configured size, or \
             let a start settle what earlier runs left",
        ))
    }

    async fn append(&self, record: &EscrowRecord) -> Result<(), EscrowError> {
        let bytes = record::encode(record).ok_or_else(|| EscrowError {
            problem: "a response is too long to be kept".into(),
            source: None,
        })?;
        self.journal().append(&bytes, record.received_at).map_err(failed("a response could not be written"))
    }

    async fn earlier_records(&self) -> Result<EarlierRecords, EscrowError> {
        let unreadable = "the segments of earlier runs could not be read";
        let (directory, first) = (self.directory.clone(), self.first);
        let scan = tokio::task::spawn_blocking(move || Scan::of_files(&Earlier::paths(&directory, first)?))
            .await
            .map_err(|_| EscrowError { problem: unreadable.into(), source: None })?
            .map_err(failed(unreadable))?;
        Ok(EarlierRecords { records: scan.records, damaged: scan.damaged })
    }

    async fn forget_earlier(&self, before: Option<Timestamp>) -> Result<(), EscrowError> {
        let undeleted = "the segments of earlier runs could not be deleted";
        let mut kept = 0;
        // The newest first: more than half of the room is never kept, or nothing new could be claimed.
        for path in Earlier::paths(&self.directory, self.first).map_err(failed(undeleted))?.into_iter().rev()
        {
            let file = fs::metadata(&path).map_err(failed(undeleted))?;
            let fits = kept + file.len() <= self.limits.total_bytes / 2;
            // A segment is written at its end only: when that was is when its newest record was received.
            if fits && before.is_some_and(|before| written_at(&file) >= before) {
                kept += file.len();
            } else {
                fs::remove_file(path).map_err(failed(undeleted))?;
            }
        }
        self.journal().earlier_kept(kept);
        Ok(())
    }
}

fn written_at(file: &fs::Metadata) -> Timestamp {
    Timestamp::from_unix_seconds(file.mtime())
}

/// What earlier runs left.
struct Earlier {
    last: Option<u64>,
    bytes: u64,
}

impl Earlier {
    fn find(directory: &Path) -> std::io::Result<Self> {
        let mut earlier = Self { last: None, bytes: 0 };
        for (number, path) in segments(directory)? {
            earlier.last = Some(number);
            earlier.bytes += fs::metadata(path)?.len();
        }
        Ok(earlier)
    }

    fn paths(directory: &Path, first: u64) -> std::io::Result<Vec<PathBuf>> {
        let all = segments(directory)?;
        Ok(all.into_iter().filter(|(number, _)| *number < first).map(|(_, path)| path).collect())
    }
}

/// Every segment, oldest first.
fn segments(directory: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(segment::number_of) {
            segments.push((number, entry.path()));
        }
    }
    segments.sort();
    Ok(segments)
}
