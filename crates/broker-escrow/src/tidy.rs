//! Changes of what was written: one at a time, off the threads that serve requests.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use broker_core::ports::{EscrowRecords, Keep};
use tokio::sync::OwnedMutexGuard;

use crate::compaction::Compaction;
use crate::journal::{Journal, Tidied};
use crate::lock::DirectoryLock;
use crate::source::Source;
use crate::{Limits, directory, scan, step};

/// The right to read segments back, to write them anew or to delete them.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// A journal and its directory. Work that nobody waits for any more still holds it, and with it the directory's lock.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) directory: PathBuf,
    pub(crate) limits: Limits,
    /// The first segment of this run; all below are of earlier ones.
    pub(crate) first: u64,
    // Writes are done in place, not on a thread for blocking work. A `write` of a few KiB into the page cache takes
    // microseconds; a thread's turn takes longer, and until the bytes are written a crash loses them.
    pub(crate) journal: Mutex<Journal>,
    pub(crate) _lock: DirectoryLock,
}

impl Shared {
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        // A panic cannot leave it half changed in a way that matters: its end is checked when it is read.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one thing that makes room; `false` if there is none to do.
    pub(crate) async fn make_room(self: &Arc<Self>, turn: Turn) -> io::Result<bool> {
        let tidied = self.journal().tidy()?;
        if let Tidied::Rewrite(segment) = tidied {
            self.off(turn, move |shared| shared.rewrite(segment)).await?;
        }
        Ok(tidied != Tidied::Nothing)
    }

    pub(crate) async fn records(self: &Arc<Self>, turn: Turn) -> io::Result<EscrowRecords> {
        let extent = self.journal().extent();
        self.off(turn, move |shared| scan::records(&shared.directory, extent)).await
    }

    pub(crate) async fn compact(self: &Arc<Self>, turn: Turn, keep: Keep) -> io::Result<()> {
        self.off(turn, move |shared| shared.compact_earlier(&keep)).await
    }

    /// Does blocking work. The turn ends with the work, not with the wait for it.
    async fn off<T: Send + 'static>(
        self: &Arc<Self>,
        turn: Turn,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let shared = self.clone();
        let work = move || {
            let _turn = turn;
            work(&shared)
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }

    /// A past segment that cannot be written anew stays as it is: that is no reason to refuse a claim.
    fn rewrite(&self, segment: u64) -> io::Result<()> {
        match self.try_rewrite(segment) {
            Ok(Some(bytes)) => self.journal().rewritten(segment, bytes),
            Ok(None) => self.journal().fix(segment),
            Err(error) => {
                tracing::warn!(%error, segment, "an escrow segment could not be made smaller");
                self.journal().fix(segment);
            }
        }
        Ok(())
    }

    /// Answers its new size; `None` if there is damage in it that is not to be lost.
    fn try_rewrite(&self, segment: u64) -> io::Result<Option<u64>> {
        let source = Source::read(&self.directory, segment)?;
        if source.damaged > 0 {
            return Ok(None);
        }
        let kept = self.journal().kept_of(&source);
        step::take(&step::rewrite(std::slice::from_ref(&kept)), &self.directory)?;
        Ok(Some(kept.bytes))
    }

    fn compact_earlier(&self, keep: &Keep) -> io::Result<()> {
        let sources = self.earlier()?;
        let outranked = |head: &_| self.journal().outranks(head);
        let compaction = Compaction::plan(&sources, keep, self.limits, outranked);
        let done = step::take(&compaction.steps(), &self.directory);
        let left = self.earlier_bytes()?;
        let mut journal = self.journal();
        journal.earlier_kept(left);
        journal.count_let_go(compaction.let_go);
        done
    }

    fn earlier(&self) -> io::Result<Vec<Source>> {
        let earlier = self.earlier_segments()?;
        earlier.into_iter().map(|number| Source::read(&self.directory, number)).collect()
    }

    fn earlier_segments(&self) -> io::Result<Vec<u64>> {
        let all = directory::segments(&self.directory)?.into_iter().map(|(number, _)| number);
        Ok(all.filter(|number| *number < self.first).collect())
    }

    fn earlier_bytes(&self) -> io::Result<u64> {
        let earlier = self.earlier_segments()?;
        directory::bytes(&self.directory, &earlier)
    }
}
