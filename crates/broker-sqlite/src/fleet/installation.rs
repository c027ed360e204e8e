//! Declaring a file the only copy of its store.

use broker_core::ports::StoreError;
use broker_core::{InstallationId, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::BindDomain;
use crate::operation::failed;

pub(super) async fn rename(connection: &mut SqliteConnection, new: InstallationId) -> Result<(), StoreError> {
    sqlx::query("UPDATE installation SET id = ?1")
        .bind(new.as_bytes().as_slice())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Nobody waits for these journals any more.
pub(super) async fn count_as_lost(
    connection: &mut SqliteConnection,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE replicas SET drained_at = coalesce(drained_at, ?1), unvouched = FALSE")
        .bind_time(at)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
