//! A file, as the embedded store uses it.

use std::fs;
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
}
