//! A segment that may be written anew: what it holds and where.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use broker_core::Timestamp;

use crate::newest::Head;
use crate::segment;
use crate::walk::{Damaged, Walk};

/// What a segment holds. Bodies are not in memory.
pub(crate) struct Source {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    /// When it was last written to.
    pub(crate) written_at: Timestamp,
    /// How many of its records cannot be read.
    pub(crate) damaged: u64,
    pub(crate) records: Vec<(Head, Range<usize>)>,
}

impl Source {
    pub(crate) fn read(directory: &Path, number: u64) -> io::Result<Self> {
        let path = segment::path_of(directory, number);
        let (written_at, bytes) = (fs::metadata(&path)?.mtime(), fs::read(&path)?);
        let written_at = Timestamp::from_unix_seconds(written_at);
        let mut source =
            Self { number, bytes: bytes.len() as u64, written_at, damaged: 0, records: Vec::new() };
        for found in Walk::through(&bytes) {
            match found {
                Ok((view, range)) => {
                    source.records.push((Head::of_view(&view, range.len()), range));
                }
                Err(Damaged(count)) => source.damaged += count,
            }
        }
        Ok(source)
    }

    /// Those of its records that are to stay, by what they are and at which byte they begin.
    pub(crate) fn kept(&self, stays: impl Fn(&Head, usize) -> bool) -> Kept {
        let stays = |(head, range): &&(Head, Range<usize>)| stays(head, range.start);
        let ranges: Vec<_> = self.records.iter().filter(stays).map(|(_, range)| range.clone()).collect();
        let bytes = ranges.iter().map(|range| range.len() as u64).sum();
        Kept { number: self.number, everything: bytes == self.bytes, bytes, ranges }
    }
}

/// What of a segment is to stay.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    /// Nothing of the segment is to go.
    pub(crate) everything: bool,
    pub(crate) bytes: u64,
    pub(crate) ranges: Vec<Range<usize>>,
}
