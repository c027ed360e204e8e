//! What every store operation shares: one name, a bound on its time, one reading of the driver's errors.

use std::time::Duration;

use broker_core::ports::{StoreError, traced};
use sqlx::error::ErrorKind;
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, Transaction};

use crate::SqliteStore;

/// A local disk that takes longer than this for a few pages has a problem that waiting does not solve.
const LIMIT: Duration = Duration::from_secs(5);

/// `db.system.name` of the semantic conventions.
const SYSTEM: &str = "sqlite";

#[derive(Debug, thiserror::Error)]
#[error("{operation} took longer than {} s", LIMIT.as_secs())]
struct TooSlow {
    operation: &'static str,
}

/// Runs `work` under its name. An operation cut off by the limit is rolled back, unless its commit was already
/// on its way: then nobody knows, and whoever asked must read again.
pub(crate) async fn operation<T>(
    name: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let too_slow = || StoreError::Unavailable(Box::new(TooSlow { operation: name }));
    let in_time = async { tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| Err(too_slow())) };
    traced(SYSTEM, name, in_time).await
}

impl SqliteStore {
    /// Runs one method of a port and counts its time.
    pub(crate) async fn operation<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.operations.timed(name, operation(name, work)).await
    }

    pub(crate) async fn read(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(failed)
    }

    /// Begins a transaction that holds the write lock from the start, so that what it reads stays true until
    /// it commits. Dropped without a commit, it is rolled back.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)
    }
}

/// A driver's error as the store's.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_) => {
            StoreError::Inconsistent("a column does not hold what it should")
        }
        sqlx::Error::Database(refusal) => match refusal.kind() {
            ErrorKind::UniqueViolation => StoreError::Inconsistent("a second row where only one may be"),
            ErrorKind::ForeignKeyViolation => StoreError::Inconsistent("a row that belongs to no row"),
            ErrorKind::CheckViolation | ErrorKind::NotNullViolation => {
                StoreError::Inconsistent("a row that breaks a constraint")
            }
            _ => StoreError::Unavailable(Box::new(error)),
        },
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

/// How SQLite would run a statement, step by step.
#[cfg(test)]
pub(crate) async fn plan_of(sql: &str) -> Vec<String> {
    use sqlx::Row;
    let store = SqliteStore::open(crate::SqliteLocation::Memory).await.unwrap();
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(&store.readers).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteLocation;

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_by_itself_does_not_block_the_writer() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = SqliteLocation::File(directory.path().join("broker.db"));
        let store = SqliteStore::open(file).await.unwrap();
        let mut tx = store.write().await.unwrap();
        // What a commit does that finds the disk full: the driver does not learn of it.
        sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
        drop(tx);
        store.write().await.unwrap();
    }
}
