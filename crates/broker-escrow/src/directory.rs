//! The files of a journal.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::segment;

/// Every segment, by its number, in the order of writing.
pub(crate) fn segments(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut segments = files(directory, segment::number_of)?;
    segments.sort();
    Ok(segments)
}

/// Deletes what a crash in the middle of a rewrite left. What it was made from is still there.
pub(crate) fn remove_drafts(directory: &Path) -> io::Result<()> {
    for (_, path) in files(directory, segment::number_of_draft)? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Makes the names in the directory survive the loss of power.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn files(directory: &Path, number_of: fn(&str) -> Option<u64>) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(number_of) {
            found.push((number, entry.path()));
        }
    }
    Ok(found)
}

/// Bytes that some segments take.
pub(crate) fn bytes(directory: &Path, segments: &[u64]) -> io::Result<u64> {
    segments.iter().map(|number| Ok(fs::metadata(segment::path_of(directory, *number))?.len())).sum()
}
