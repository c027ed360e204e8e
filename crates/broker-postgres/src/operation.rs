//! What every store operation shares: one name, a bound on its time, one reading of the driver's errors.

use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::{StoreError, traced};
use sqlx::error::ErrorKind;

/// How long a caller waits for anything. Longer than [`RUN`]: when a caller gives up, the server has ended the
/// statement, and whoever then asks whether it took place is told the truth.
pub(crate) const CALL: Duration = Duration::from_secs(6);

/// How long a connection is waited for and a statement then runs, seen from here: the server's own limits
/// ([`ACQUIRE`], [`STATEMENT`]) and a little for the network. It ends what a dead network keeps.
pub(crate) const RUN: Duration = Duration::from_secs(5);

/// How long to wait for a free connection.
pub(crate) const ACQUIRE: Duration = Duration::from_secs(1);

/// How long the server works on one statement.
pub(crate) const STATEMENT: Duration = Duration::from_secs(3);

/// How long a statement waits for a row somebody else has locked. Rows are locked for one statement only.
pub(crate) const LOCK: Duration = Duration::from_secs(1);

/// `db.system.name` of the semantic conventions.
const SYSTEM: &str = "postgresql";

#[derive(Debug, thiserror::Error)]
#[error("{operation} took longer than {} s", limit.as_secs())]
struct TooSlow {
    operation: &'static str,
    limit: Duration,
}

/// Runs `work` under its name, for at most `limit`. What is cut off may still take place on the server: nobody knows,
/// and whoever asked must read again.
pub(crate) async fn bounded<T>(
    operation: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let too_slow = || StoreError::Unavailable(Box::new(TooSlow { operation, limit }));
    let in_time = async { tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(too_slow())) };
    traced(SYSTEM, operation, in_time).await
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

/// A failure that several requests share.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Shared(#[source] Arc<StoreError>);

/// A share of `error`.
pub(crate) fn shared(error: &Arc<StoreError>) -> StoreError {
    match &**error {
        StoreError::Inconsistent(what) => StoreError::Inconsistent(what),
        StoreError::Unavailable(_) => StoreError::Unavailable(Box::new(Shared(error.clone()))),
    }
}

/// The driver's error an error comes from.
pub(crate) fn driver_error(error: &StoreError) -> Option<&sqlx::Error> {
    let StoreError::Unavailable(source) = error else { return None };
    let of_shared = || source.downcast_ref::<Shared>().and_then(|shared| driver_error(&shared.0));
    source.downcast_ref().or_else(of_shared)
}
