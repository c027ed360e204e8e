//! One file of the journal.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use broker_core::Timestamp;
use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;

/// Room that is always kept ahead of the end: enough for a dozen of the largest records, or hundreds of usual ones,
/// whose responses may all be on their way.
pub(crate) const HEADROOM: u64 = 1 << 20;

/// Segments are numbered upwards over all runs; the number is the name.
pub(crate) fn path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:010}.journal"))
}

/// The number in a segment's name; `None` if the file is no segment.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".journal")?.parse().ok()
}

/// Where a segment is written anew, before it takes the old one's place.
pub(crate) fn draft_path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:010}.draft"))
}

/// The number in a draft's name; `None` if the file is no draft of a segment.
pub(crate) fn number_of_draft(name: &str) -> Option<u64> {
    name.strip_suffix(".draft")?.parse().ok()
}

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) written: u64,
    /// When its newest record was received.
    pub(crate) newest: Option<Timestamp>,
    reserved: u64,
    file: Arc<File>,
}

impl Segment {
    pub(crate) fn create(directory: &Path, number: u64) -> io::Result<Self> {
        let path = path_of(directory, number);
        let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(path)?;
        Ok(Self { number, written: 0, newest: None, reserved: 0, file: Arc::new(file) })
    }

    /// Makes sure that the disk has room for what may come.
    pub(crate) fn reserve(&mut self) -> io::Result<()> {
        if self.reserved >= self.written + HEADROOM {
            return Ok(());
        }
        // Blocks beyond the end, without moving the end: a reader sees records only, no zeros.
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.written, 2 * HEADROOM) {
            Ok(()) => {
                self.reserved = self.written + 2 * HEADROOM;
                Ok(())
            }
            // Some file systems cannot reserve. The next best thing is to look.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.look_for_room(),
            Err(error) => Err(error.into()),
        }
    }

    fn look_for_room(&self) -> io::Result<()> {
        let disk = fstatvfs(&self.file)?;
        match disk.f_bavail.saturating_mul(disk.f_frsize) >= 2 * HEADROOM {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Writes a whole record in one call. After an error the end may be torn and the segment is to be left.
    pub(crate) fn append(&mut self, record: &[u8], received_at: Timestamp) -> io::Result<()> {
        self.file.as_ref().write_all(record)?;
        self.written += record.len() as u64;
        self.newest = self.newest.max(Some(received_at));
        Ok(())
    }

    /// The file, for someone who makes sure of what is written while others write on.
    pub(crate) fn file(&self) -> Arc<File> {
        self.file.clone()
    }

    /// Gives back what was reserved and not used. Costs nothing but disk space if it fails.
    pub(crate) fn finish(&self) {
        if let Err(error) = self.file.set_len(self.written) {
            tracing::warn!(%error, segment = self.number, "reserved space of an escrow segment was not given back");
        }
    }

    /// Every write from now on finds the disk full.
    #[cfg(test)]
    pub(crate) fn break_disk(&mut self) {
        self.file = Arc::new(OpenOptions::new().write(true).open("/dev/full").unwrap());
    }
}
