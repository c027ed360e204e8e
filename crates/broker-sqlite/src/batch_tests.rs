use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::{SqliteLocation, SqliteStore};

/// Writes one row, or tries to.
struct Write(&'static str);

#[async_trait]
impl Step for Write {
    type Answer = bool;

    async fn take(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let statement = "INSERT INTO provider_breakers VALUES (?1, 0, 0, 0)";
        sqlx::query(statement).bind(self.0).execute(connection).await.map_err(failed)?;
        Ok(self.0 != "unwanted")
    }

    fn stays(wanted: &bool) -> bool {
        *wanted
    }
}

/// A step that ends the transaction behind the driver's back, as SQLite does when the disk is full.
struct FullDisk;

#[async_trait]
impl Step for FullDisk {
    type Answer = ();

    async fn take(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("ROLLBACK").execute(connection).await.map_err(failed)?;
        Ok(())
    }
}

async fn store() -> (SqliteStore, tempfile::TempDir) {
    let directory = tempfile::TempDir::new().unwrap();
    let file = SqliteLocation::File(directory.path().join("broker.db"));
    (SqliteStore::open(file).await.unwrap(), directory)
}

async fn written(store: &SqliteStore) -> Vec<String> {
    let rows = sqlx::query_scalar("SELECT provider FROM provider_breakers ORDER BY provider");
    rows.fetch_all(&store.readers).await.unwrap()
}

/// Counts the commits of the connection that writes.
async fn commits(store: &SqliteStore) -> Arc<AtomicU32> {
    let counter = Arc::new(AtomicU32::new(0));
    let counted = counter.clone();
    let mut writer = store.writer.acquire().await.unwrap();
    writer.lock_handle().await.unwrap().set_commit_hook(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    counter
}

#[tokio::test]
async fn steps_of_one_time_share_a_commit_and_fail_alone() {
    let (store, _directory) = store().await;
    let commits = commits(&store).await;
    let held = store.write().await.unwrap();
    let steps = ["a", "b", "a", "unwanted", "c"].map(|name| store.batcher.take(Write(name)));
    let [a, b, a_again, unwanted, c] = steps;
    let release = async {
        // Every step waits by now: they were polled first.
        drop(held);
    };
    let (a, b, a_again, unwanted, c, ()) = tokio::join!(a, b, a_again, unwanted, c, release);
    assert!(a.unwrap() && b.unwrap() && c.unwrap());
    assert!(matches!(a_again, Err(StoreError::Inconsistent(_))), "{a_again:?}");
    assert!(!unwanted.unwrap());
    assert_eq!(written(&store).await, ["a", "b", "c"]);
    assert_eq!(commits.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_step_given_up_before_its_batch_is_never_taken() {
    let (store, _directory) = store().await;
    let held = store.write().await.unwrap();
    let mut given_up = Box::pin(store.batcher.take(Write("a")));
    let polled =
        std::future::poll_fn(|context| std::task::Poll::Ready(given_up.as_mut().poll(context))).await;
    assert!(polled.is_pending());
    drop(given_up);
    drop(held);
    assert!(store.batcher.take(Write("b")).await.unwrap());
    assert_eq!(written(&store).await, ["b"]);
}

#[tokio::test]
async fn a_transaction_that_ended_fails_every_step_and_the_next_batch_is_fine() {
    let (store, _directory) = store().await;
    let held = store.write().await.unwrap();
    let (first, full, last) =
        (store.batcher.take(Write("a")), store.batcher.take(FullDisk), store.batcher.take(Write("b")));
    let release = async { drop(held) };
    let (first, full, last, ()) = tokio::join!(first, full, last, release);
    assert!(matches!(first, Err(StoreError::Unavailable(_))), "{first:?}");
    assert!(full.is_err() && last.is_err());
    assert!(store.batcher.take(Write("c")).await.unwrap());
    assert_eq!(written(&store).await, ["c"]);
}

#[tokio::test]
async fn a_closed_store_answers_that_it_is_unavailable() {
    let (store, _directory) = store().await;
    store.close().await;
    let refused = store.batcher.take(Write("a")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}
