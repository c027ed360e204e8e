//! Opening a store, and what can be wrong with its file.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use broker_core::Quotas;
use broker_core::measure::Operations;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlitePool};

use crate::batch::Batcher;
use crate::history::Watch;
use crate::lock::FileLock;
use crate::migrations::{self, Migrated};

/// How long one connection waits for another's lock, and a caller for a free connection.
const BUSY: Duration = Duration::from_secs(5);

/// SQLite reads from as many connections at once as there are cores to serve them.
const READERS: u32 = 4;

/// Where the store lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqliteLocation {
    /// A file, created if it is not there. Its directory must exist.
    File(PathBuf),
    /// Memory, gone with the store.
    Memory,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another store has the file open.
    #[error(
        "the database {} is in use by another token-broker, and two would spend each other's refresh tokens: \
         stop the other one, or give this one a database file of its own",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program has written the file.
    #[error(
        "the database {} has schema {found}, and this version knows schemas up to {known}: \
         run the version that wrote it, or a later one",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema found.
        found: i64,
        /// The last schema known.
        known: i64,
    },
    /// The file or its lock could not be created or read.
    #[error(
        "the database {} cannot be opened: check that its directory exists and that this user may write there",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// SQLite refused the file.
    #[error("the database {} cannot be used: check that it is a token-broker database and undamaged", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("the schema of the database {} cannot be brought up to date: restore the file from a backup", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: MigrateError,
    },
}

/// A store in one SQLite database.
///
/// Implements every store port of `broker_core`. Needs a Tokio runtime for its whole life.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) batcher: Batcher,
    pub(crate) watch: Watch,
    pub(crate) quotas: Quotas,
    pub(crate) operations: Operations,
    // Last, so that it is let go after the connections.
    _lock: Option<Arc<FileLock>>,
}

impl SqliteStore {
    /// Opens the store and brings its schema up to date.
    pub async fn open(location: SqliteLocation) -> Result<Self, OpenError> {
        match location {
            SqliteLocation::File(path) => Self::open_file(path).await,
            SqliteLocation::Memory => Self::open_memory().await,
        }
    }

    async fn open_file(path: PathBuf) -> Result<Self, OpenError> {
        let path = create(&path).map_err(|source| OpenError::File { path, source })?;
        let lock = FileLock::acquire(&path)
            .map_err(|source| OpenError::File { path: path.clone(), source })?
            .ok_or_else(|| OpenError::InUse { path: path.clone() })?;
        let options = options()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // The log is cut to nothing when it starts over: old envelopes do not lie on in its tail.
            .pragma("journal_size_limit", "0");
        let refused = |source| OpenError::Database { path: path.clone(), source };
        let writer = file_pool(1, options.clone()).await.map_err(refused)?;
        migrate(&writer, &path).await?;
        let readers = file_pool(READERS, options.pragma("query_only", "ON")).await.map_err(refused)?;
        Ok(Self::of(writer, readers, Some(Arc::new(lock))))
    }

    async fn open_memory() -> Result<Self, OpenError> {
        let path = Path::new(":memory:");
        let only = pool_options(1)
            .connect_with(options())
            .await
            .map_err(|source| OpenError::Database { path: path.into(), source })?;
        migrate(&only, path).await?;
        // A second connection would see a second, empty database.
        Ok(Self::of(only.clone(), only, None))
    }

    fn of(writer: SqlitePool, readers: SqlitePool, lock: Option<Arc<FileLock>>) -> Self {
        let batcher = Batcher::new(writer.clone(), lock.clone());
        let (watch, quotas, operations) = Default::default();
        Self { writer, readers, batcher, watch, quotas, operations, _lock: lock }
    }

    /// The store, which gives no tenant more than this. It is opened with the default quotas.
    #[must_use]
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }

    /// How long its operations took so far.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Waits for what is running and closes the database, which also empties its write-ahead log.
    pub async fn close(&self) {
        self.batcher.finish().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Creates the file for its owner only, before SQLite would create it for everyone, and resolves its path, so
/// that two names of one file share one lock.
fn create(path: &Path) -> io::Result<PathBuf> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    if file.metadata()?.nlink() > 1 {
        // Two hard links have two locks: two processes would rotate the same grants.
        return Err(io::Error::other("the file has more than one hard link; remove the others"));
    }
    path.canonicalize()
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(BUSY)
        // A superseded envelope is overwritten with zeros, not left in a free page.
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
}

/// A pool on a file. A connection that comes back with a transaction it could not end (a commit that found the disk
/// full is rolled back by SQLite itself, and the driver then counts one that is not there) is replaced: it would
/// refuse to begin another for ever.
async fn file_pool(size: u32, options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    pool_options(size)
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options)
        .await
}

fn pool_options(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .acquire_timeout(BUSY)
        // A database in memory lives as long as its connection, and a file's connections do not age.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

async fn migrate(writer: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let refused = |source| OpenError::Schema { path: path.into(), source };
    let mut connection =
        writer.acquire().await.map_err(|source| OpenError::Database { path: path.into(), source })?;
    match migrations::run(&mut *connection).await.map_err(refused)? {
        Migrated::Current => Ok(()),
        Migrated::Newer { found, known } => Err(OpenError::NewerSchema { path: path.into(), found, known }),
    }
}
