//! A database of a server.

use std::hash::{Hash, Hasher};

use broker_postgres::{OpenOptions, PostgresStore};
use test_servers::TestDatabase;

use super::stand::{Shelf, Stores};

pub(crate) struct PostgresDatabase {
    present: TestDatabase,
    backup: Option<TestDatabase>,
}

impl Shelf for PostgresDatabase {
    async fn fresh() -> Self {
        let make = async |url: String| broker_postgres::migrate(&url).await.unwrap();
        // Named by what it holds: another checkout on the same server has another schema.
        let name = format!("broker_{:016x}", schema_digest());
        let template = test_servers::postgres().await.template(&name, make).await;
        Self { present: template.fresh_database().await, backup: None }
    }

    async fn open(&self) -> Stores {
        Stores::of(PostgresStore::open(self.present.url(), OpenOptions::default()).await.unwrap())
    }

    async fn open_beside(&self, _: &Stores) -> Stores {
        self.open().await
    }

    async fn back_up(&mut self) {
        self.backup = Some(self.present.copy().await);
    }

    async fn put_back(&mut self) {
        self.present = self.backup.as_ref().unwrap().copy().await;
    }

    async fn replicate(&mut self) {
        self.backup = Some(self.present.standby().await);
    }

    async fn fail_over(&mut self) {
        self.present.fail_over_to(self.backup.as_ref().unwrap()).await;
    }
}

/// Of every migration file.
fn schema_digest() -> u64 {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hasher = std::hash::DefaultHasher::new();
    for file in files {
        std::fs::read(file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}
