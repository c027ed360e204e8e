//! A file, as the embedded store uses it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use broker_sqlite::{SqliteLocation, SqliteStore};
use tempfile::TempDir;

use super::stand::{Shelf, Stores};

pub(crate) struct SqliteFile(TempDir);

impl SqliteFile {
    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(SqliteLocation::File(self.file("store.db"))).await.unwrap()
    }

    /// Empties the log into the file, which then is all there is. Whoever closes the file last does that: of a process
    /// that has just died some thread may have it open still.
    async fn empty_log(&self) {
        loop {
            self.store().await.close().await;
            if !self.file("store.db-wal").exists() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Shelf for SqliteFile {
    async fn fresh() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn open(&self) -> Stores {
        Stores::of(self.store().await)
    }

    /// One process at a time has a file open, so replicas beside each other are of one process.
    async fn open_beside(&self, other: &Stores) -> Stores {
        other.clone()
    }

    async fn back_up(&mut self) {
        self.empty_log().await;
        fs::copy(self.file("store.db"), self.file("backup.db")).unwrap();
    }

    async fn put_back(&mut self) {
        self.empty_log().await;
        fs::copy(self.file("backup.db"), self.file("store.db")).unwrap();
    }

    async fn replicate(&mut self) {
        for part in ["", "-wal"] {
            fs::copy(self.file(&format!("store.db{part}")), self.file(&format!("backup.db{part}"))).unwrap();
        }
    }

    /// The files stay the ones that are open. No connection is told; each finds an index of the log that must be made anew.
    async fn fail_over(&mut self) {
        fs::write(self.file("store.db"), fs::read(self.file("backup.db")).unwrap()).unwrap();
        // A store that was closed has no log.
        fs::write(self.file("store.db-wal"), fs::read(self.file("backup.db-wal")).unwrap_or_default())
            .unwrap();
        let index = OpenOptions::new().write(true).open(self.file("store.db-shm")).unwrap();
        let length = index.metadata().unwrap().len().try_into().unwrap();
        // It is mapped into memory, so that it must not get shorter.
        index.write_all_at(&vec![0; length], 0).unwrap();
    }
}
