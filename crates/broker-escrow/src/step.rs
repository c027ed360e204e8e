//! Writing segments anew, in steps between which a crash costs nothing.
//!
//! What stays is written to a draft, which takes the place of the last of its sources once it is on the disk; only
//! then do the other sources go. A crash in between leaves some records twice, which readers do not mind.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::source::Kept;
use crate::{directory, segment};

/// One change of the directory.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Write what stays of some segments, and make sure of it.
    Draft(u64, Vec<Kept>),
    /// Put the draft in a segment's place.
    Replace(u64),
    /// Delete a segment.
    Remove(u64),
}

/// What is to be done so that of neighbouring segments only what is kept remains.
pub(crate) fn rewrite(group: &[Kept]) -> Vec<Step> {
    let Some((last, others)) = group.split_last() else { return Vec::new() };
    let remove = |of: &[Kept]| of.iter().map(|kept| Step::Remove(kept.number)).collect();
    match group.iter().all(|kept| kept.ranges.is_empty()) {
        true => remove(group),
        false if others.is_empty() && last.everything => Vec::new(),
        false => {
            let draft = [Step::Draft(last.number, group.to_vec()), Step::Replace(last.number)];
            draft.into_iter().chain(remove(others) as Vec<_>).collect()
        }
    }
}

/// Does the steps in their order. After an error no record that was to stay is missing.
pub(crate) fn take(steps: &[Step], directory: &Path) -> io::Result<()> {
    steps.iter().try_for_each(|step| step.take(directory))
}

impl Step {
    fn take(&self, directory: &Path) -> io::Result<()> {
        match self {
            Self::Draft(number, kept) => draft(*number, kept, directory),
            Self::Replace(number) => {
                let draft = segment::draft_path_of(directory, *number);
                fs::rename(draft, segment::path_of(directory, *number))?;
                directory::sync(directory)
            }
            Self::Remove(number) => fs::remove_file(segment::path_of(directory, *number)),
        }
    }
}

fn draft(number: u64, kept: &[Kept], directory: &Path) -> io::Result<()> {
    let path = segment::draft_path_of(directory, number);
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    for source in kept.iter().filter(|source| !source.ranges.is_empty()) {
        let bytes = fs::read(segment::path_of(directory, source.number))?;
        let kept: Vec<_> = source.ranges.iter().filter_map(|range| bytes.get(range.clone())).collect();
        file.write_all(&kept.concat())?;
    }
    file.sync_all()
}
