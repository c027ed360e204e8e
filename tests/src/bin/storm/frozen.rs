//! A dead replica's escrow, copied before the replica is started again.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use broker_escrow::{InspectError, RecordHead, inspect};

/// When each answer in the escrow was read by the broker, by the attempt it answers. Microseconds since 1970.
pub(crate) type Records = HashMap<u128, u64>;

/// Where the copies of one storm are made.
#[derive(Clone)]
pub(crate) struct Freezer {
    directory: PathBuf,
    /// Copies stay there after they were read.
    keeps: bool,
}

impl Freezer {
    pub(crate) const fn new(directory: PathBuf, keeps: bool) -> Self {
        Self { directory, keeps }
    }

    /// Copies an escrow whose replica is down, and reads the copy.
    pub(crate) async fn freeze(&self, escrow: &Path, name: &str) -> Result<Records> {
        let (escrow, copy, keeps) = (escrow.to_owned(), self.directory.join(name), self.keeps);
        let frozen = tokio::task::spawn_blocking(move || {
            copy_files(&escrow, &copy)?;
            let records = records(&copy)?;
            if !keeps {
                fs::remove_dir_all(&copy)?;
            }
            Ok::<_, anyhow::Error>(records)
        });
        frozen.await?.context("a dead replica's escrow cannot be copied and read")
    }
}

/// A replica that died before it ever opened its escrow has left an empty one.
fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    if from.exists() {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn records(directory: &Path) -> Result<Records, InspectError> {
    let found = inspect(directory)?.records.into_iter();
    Ok(found.map(|record| (id(&record), received(&record))).collect())
}

fn id(record: &RecordHead) -> u128 {
    u128::from_be_bytes(*record.attempt.id.as_bytes())
}

/// Nothing was received before 1970.
fn received(record: &RecordHead) -> u64 {
    u64::try_from(record.received_at.as_unix_micros()).unwrap_or(0)
}
