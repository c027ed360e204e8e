//! What only a file has: restarts, a second opener, other versions, modes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use broker_core::ports::{Adoption, DueQuery, Lineage, ReplacedTokens};
use broker_core::testing::conformance::{NOW, StoreUnderTest, World, after, key, tokens};
use broker_core::{Generation, SealedTokenSet};
use broker_crypto::Sealed;
use broker_sqlite::{OpenError, SqliteLocation, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use tempfile::TempDir;

use crate::stores::InFile;

async fn open(path: impl Into<PathBuf>) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(SqliteLocation::File(path.into())).await
}

/// A connection of our own, behind the store's back.
async fn behind(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

#[tokio::test]
async fn a_second_opener_is_told_the_file_and_what_to_do() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("broker.db");
    let first = open(&path).await.unwrap();
    let refused = open(&path).await.unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }));
    let text = refused.to_string();
    assert!(text.contains("broker.db") && text.contains("stop the other one"), "{text}");

    let alias = directory.path().join("alias.db");
    symlink(&path, &alias).unwrap();
    assert!(matches!(open(&alias).await, Err(OpenError::InUse { .. })), "another name of the same file");
    first.close().await;
    drop(first);
    open(&path).await.unwrap();
}

#[tokio::test]
async fn a_file_of_two_hard_links_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("broker.db");
    open(&path).await.unwrap().close().await;
    fs::hard_link(&path, directory.path().join("other.db")).unwrap();
    let refused = open(&path).await.unwrap_err();
    assert!(matches!(&refused, OpenError::File { .. }), "{refused}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("broker.db");
    open(&path).await.unwrap().close().await;
    let mut connection = behind(&path).await;
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (999, 'later', CURRENT_TIMESTAMP, TRUE, x'00', 0)")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let refused = open(&path).await.unwrap_err();
    assert!(matches!(refused, OpenError::NewerSchema { found: 999, .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("broker.db") && text.contains("999"), "{text}");
}

#[tokio::test]
async fn migrations_run_once() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("broker.db");
    for _ in 0..3 {
        open(&path).await.unwrap().close().await;
    }
    let mut connection = behind(&path).await;
    let rows =
        sqlx::query("SELECT count(*) AS n FROM _sqlx_migrations").fetch_one(&mut connection).await.unwrap();
    let files =
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite")).unwrap().count();
    assert_eq!(rows.get::<i64, _>("n"), i64::try_from(files).unwrap());
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let directory = TempDir::new().unwrap();
    let nowhere = open(directory.path().join("missing/broker.db")).await.unwrap_err();
    assert!(matches!(nowhere, OpenError::File { .. }), "{nowhere:?}");
    assert!(nowhere.to_string().contains("missing/broker.db"));

    let text = directory.path().join("notes.txt");
    fs::write(&text, "not a database, and long enough to be taken for one".repeat(40)).unwrap();
    let refused = open(&text).await.unwrap_err();
    assert!(matches!(refused, OpenError::Database { .. }), "{refused:?}");
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let file = InFile::fresh().await;
    let world = World::of(&file).await;
    world.grant(&key("ada")).await;
    let paths = file.files();
    assert!(paths.len() >= 3, "database, lock and log: {paths:?}");
    for path in paths {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn superseded_envelopes_do_not_linger() {
    let file = InFile::fresh().await;
    let world = World::of(&file).await;
    world.grant(&key("ada")).await;
    // Of very different lengths, so that a row does not just overwrite itself in its place.
    for (generation, length) in [(1, 9000), (2, 20), (3, 9000), (4, 20)] {
        let attempt = world.claim(&key("ada"), generation).await.attempt;
        let adoption = Adoption {
            attempt,
            lineage: Lineage::Present,
            base: Generation::new(generation),
            tokens: padded_tokens(generation + 1, length),
            at: NOW,
            replaced: ReplacedTokens::LetGo,
            overruns_window: false,
            origin: Default::default(),
        };
        world.grants.adopt(&adoption).await.unwrap();
    }
    file.store.close().await;
    let bytes: Vec<u8> = file.files().iter().flat_map(|path| fs::read(path).unwrap()).collect();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("refresh 5") && holds("access 5"));
    for generation in 1..=4 {
        assert!(!holds(&format!("refresh {generation}")) && !holds(&format!("access {generation}")));
    }
}

/// Envelopes that repeat the name of their generation.
fn padded_tokens(generation: u64, length: usize) -> SealedTokenSet {
    let filled = |word: &str| format!("{word} {generation} ").repeat(length / 10 + 1).into_bytes();
    SealedTokenSet {
        access_token: Sealed::from_bytes(filled("access")),
        refresh_token: Some(Sealed::from_bytes(filled("refresh"))),
        ..tokens(generation, true)
    }
}

#[tokio::test]
async fn an_impossible_row_is_inconsistent_by_column() {
    let file = InFile::fresh().await;
    let world = World::of(&file).await;
    world.grant(&key("ada")).await;
    let mut connection = behind(&file.database()).await;
    sqlx::raw_sql("PRAGMA ignore_check_constraints = ON; UPDATE grants SET phase = 'dreaming'")
        .execute(&mut connection)
        .await
        .unwrap();
    let refused = world.grants.vendable(&key("ada")).await.unwrap_err();
    assert_eq!(refused.to_string(), "a stored row is inconsistent: phase");
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let file = InFile::fresh().await;
    let world = World::of(&file).await;
    file.store.close().await;
    let query = DueQuery { due_by: NOW, limit: 1, per_lane: None };
    let refused = world.grants.due_grants(&query).await.unwrap_err();
    assert!(matches!(refused, broker_core::ports::StoreError::Unavailable(_)), "{refused:?}");
}

#[tokio::test]
async fn an_abandoned_step_is_rolled_back_and_blocks_nobody() {
    let file = InFile::fresh().await;
    let world = World::of(&file).await;
    world.grant(&key("ada")).await;
    let closed = world.claim(&key("ada"), 1).await.attempt;
    let idle = after(broker_core::Phase::Idle, false);
    world.close(&closed, Some(idle.clone())).await;
    for polls in 0..40 {
        let claim = world.claim_of(&key("ada"), 1);
        let mut step = world.grants.claim_refresh(&claim);
        for _ in 0..polls {
            let polled =
                std::future::poll_fn(|context| std::task::Poll::Ready(step.as_mut().poll(context))).await;
            if polled.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(step);
        // The next write runs after whatever became of it, and finds either no attempt or a whole one.
        assert!(!world.send(&closed).await);
        if let Some(attempt) = world.grants.attempt(&key("ada").tenant, claim.attempt).await.unwrap() {
            assert!(world.close(&attempt, Some(idle.clone())).await);
        }
    }
    world.claim(&key("ada"), 1).await;
}
