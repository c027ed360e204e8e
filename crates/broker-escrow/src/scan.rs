//! Reading whole records back. Damage is counted, never a reason not to start.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use broker_core::ports::EscrowRecords;

use crate::directory;
use crate::walk::{Damaged, Walk};

/// How far the journal reaches: what is written after that is not looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// The last segment.
    pub(crate) segment: u64,
    /// Bytes of whole records in it.
    pub(crate) bytes: u64,
}

/// Every record, oldest first, and each once, however many copies a crash in a rewrite left.
pub(crate) fn records(directory: &Path, extent: Extent) -> io::Result<EscrowRecords> {
    let mut all = EscrowRecords::default();
    for (number, path) in directory::segments(directory)? {
        let mut bytes = fs::read(&path)?;
        match number.cmp(&extent.segment) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => bytes.truncate(usize::try_from(extent.bytes).unwrap_or(usize::MAX)),
            std::cmp::Ordering::Greater => break,
        }
        let damaged = add(&mut all, &bytes);
        if damaged > 0 {
            tracing::warn!(segment = %path.display(), damaged, "an escrow segment holds damaged records");
        }
    }
    all.records.sort_by_key(|record| record.received_at);
    let mut seen = HashSet::new();
    all.records.retain(|record| seen.insert((record.attempt.id, record.received_at)));
    Ok(all)
}

fn add(all: &mut EscrowRecords, bytes: &[u8]) -> u64 {
    let before = all.damaged;
    for found in Walk::through(bytes) {
        match found {
            Ok((view, _)) => all.records.push(view.into_record()),
            Err(Damaged(count)) => all.damaged += count,
        }
    }
    all.damaged - before
}
