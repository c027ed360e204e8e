//! Looking into a journal without opening it.

use std::fs;
use std::path::Path;

use broker_core::{Attempt, EscrowId, Timestamp};

use crate::record::View;
use crate::walk::{Damaged, Walk};
use crate::{InspectError, directory, escrow_id};

/// A record without its body.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordHead {
    /// The attempt it answers, as it was when it was sent.
    pub attempt: Attempt,
    /// HTTP status.
    pub status: u16,
    /// When the last byte was read.
    pub received_at: Timestamp,
    /// Bytes of the sealed body.
    pub length: usize,
}

/// What a directory holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The directory's id; `None` if it has none that can be read.
    pub id: Option<EscrowId>,
    /// The records that can be read, in the order of writing. One may stand there twice after a crash.
    pub records: Vec<RecordHead>,
    /// How many cannot. The one that is being written just now may be among them.
    pub damaged: u64,
}

/// Reads the journal in `directory`, or a copy of one. Takes no lock, changes nothing and needs no key.
pub fn inspect(directory: &Path) -> Result<Inspection, InspectError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| InspectError { path, source }
    };
    let mut found = Inspection { id: escrow_id::peek(directory), records: Vec::new(), damaged: 0 };
    for (_, path) in directory::segments(directory).map_err(unreadable(directory))? {
        match fs::read(&path) {
            Ok(bytes) => found.add(&bytes),
            // Its owner let it go in the meantime.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&path)(error)),
        }
    }
    Ok(found)
}

impl Inspection {
    fn add(&mut self, bytes: &[u8]) {
        for found in Walk::through(bytes) {
            match found {
                Ok((view, _)) => self.records.push(view.into()),
                Err(Damaged(count)) => self.damaged += count,
            }
        }
    }
}

impl From<View<'_>> for RecordHead {
    fn from(view: View<'_>) -> Self {
        let View { attempt, status, received_at, body } = view;
        Self { attempt, status, received_at, length: body.len() }
    }
}
