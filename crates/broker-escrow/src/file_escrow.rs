//! The journal as the middle sees it.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use broker_core::EscrowId;
use broker_core::ports::{Durability, Escrow, EscrowError, EscrowRecord, EscrowRecords, Keep};
use broker_crypto::Entropy;

use crate::error::failed;
use crate::journal::Journal;
use crate::lock::DirectoryLock;
use crate::newest::Head;
use crate::tidy::{Shared, Turn};
use crate::{Limits, OpenError, directory, escrow_id, record};

/// A journal in a directory of its own.
///
/// The files hold attempts in the clear and sealed bodies, and are readable by their owner alone. One process at a time
/// may have the directory open. Where room is short, this run's records go before those of earlier runs; the newest
/// success of each grant goes last.
#[derive(Debug)]
pub struct FileEscrow {
    id: EscrowId,
    shared: Arc<Shared>,
    turn: Arc<tokio::sync::Mutex<()>>,
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
        let id = escrow_id::of_directory(directory, entropy)?;
        let shared = start(directory, limits, lock).map_err(unusable())?;
        Ok(Self { id, shared: Arc::new(shared), turn: Arc::default() })
    }

    /// How many grants' newest records were let go for want of room since the journal was opened.
    pub fn let_go(&self) -> u64 {
        self.shared.journal().let_go()
    }

    async fn turn(&self) -> Turn {
        self.turn.clone().lock_owned().await
    }

    /// Tidies up a little if nobody else does, and on until there is room if there is none.
    async fn find_room(&self) -> io::Result<()> {
        let mut turn = self.turn.clone().try_lock_owned().ok();
        loop {
            let helped = match turn.take() {
                Some(turn) => self.shared.make_room(turn).await?,
                // Somebody else is at it.
                None => true,
            };
            let reserved = self.shared.journal().reserve();
            let full = reserved.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::QuotaExceeded);
            if !full || !helped {
                return reserved;
            }
            turn = Some(self.turn().await);
        }
    }
}

fn start(directory: &Path, limits: Limits, lock: DirectoryLock) -> io::Result<Shared> {
    directory::remove_drafts(directory)?;
    let earlier: Vec<_> = directory::segments(directory)?.into_iter().map(|(number, _)| number).collect();
    let first = earlier.last().map_or(1, |last| last + 1);
    let bytes = directory::bytes(directory, &earlier)?;
    let directory = directory.to_owned();
    let journal = Mutex::new(Journal::start(directory.clone(), limits, first, bytes)?);
    Ok(Shared { directory, limits, first, journal, _lock: lock })
}

#[async_trait]
impl Escrow for FileEscrow {
    fn id(&self) -> EscrowId {
        self.id
    }

    async fn reserve(&self) -> Result<(), EscrowError> {
        self.find_room().await.map_err(failed(
            "there is no room for another response: free space on its disk, raise its configured size, or \
             let a start settle what earlier runs left",
        ))
    }

    async fn append(&self, record: &EscrowRecord, durability: Durability) -> Result<(), EscrowError> {
        let bytes = record::encode(record).ok_or_else(|| EscrowError {
            problem: "a response is too long to be kept".into(),
            source: None,
        })?;
        let written = self.shared.journal().append(&bytes, Head::of_record(record, bytes.len()));
        let (segment, file) = written.map_err(failed("a response could not be written"))?;
        match durability {
            Durability::Process => Ok(()),
            Durability::Machine => {
                let flushed = self.shared.flush(segment, file).await;
                flushed.map_err(failed("a response was written, but the disk did not confirm it"))
            }
        }
    }

    async fn records(&self) -> Result<EscrowRecords, EscrowError> {
        let turn = self.turn().await;
        self.shared.records(turn).await.map_err(failed("the segments could not be read"))
    }

    async fn compact(&self, keep: &Keep) -> Result<(), EscrowError> {
        let turn = self.turn().await;
        let compacted = self.shared.compact(turn, keep.clone()).await;
        compacted.map_err(failed("the segments of earlier runs could not be made smaller"))
    }
}
