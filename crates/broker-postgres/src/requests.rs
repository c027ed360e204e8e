//! Creates that may be repeated: what was asked before, looked up and kept in the transaction that makes the resource.

use broker_core::Timestamp;
use broker_core::ports::{CreateOutcome, RequestMark, StoreError};
use sqlx::{PgConnection, PgPool};

use crate::columns::uuid;
use crate::operation::failed;

/// The scope of requests that are about every tenant. No tenant has that name.
pub(crate) const EVERY_TENANT: &str = "*";

/// What the same request came to before, or another one of its id; `None` if the resource is to be made now. The scope
/// is a tenant's name, or [`EVERY_TENANT`]. Call it
/// first in the transaction: of two that come at once the second waits for the first.
pub(crate) async fn before(
    connection: &mut PgConnection,
    scope: &str,
    request: Option<&RequestMark>,
) -> Result<Option<CreateOutcome>, StoreError> {
    let Some(mark) = request else { return Ok(None) };
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2::uuid::text, 20261))",
        scope,
        uuid(mark.id.as_bytes()),
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    let row = sqlx::query!(
        "SELECT digest, resource FROM create_requests WHERE tenant = $1 AND id = $2 AND created_at >= $3",
        scope,
        uuid(mark.id.as_bytes()),
        mark.kept_since().as_unix_micros(),
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(row.map(|row| match row.digest == mark.digest {
        true => CreateOutcome::Repeated(row.resource),
        false => CreateOutcome::IdReused,
    }))
}

/// Notes what the request has made. Call it last in the transaction.
pub(crate) async fn keep(
    connection: &mut PgConnection,
    scope: &str,
    request: Option<&RequestMark>,
    resource: &str,
) -> Result<(), StoreError> {
    let Some(mark) = request else { return Ok(()) };
    sqlx::query!(
        "INSERT INTO create_requests (tenant, id, digest, resource, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, id) DO UPDATE SET
             digest = excluded.digest, resource = excluded.resource, created_at = excluded.created_at",
        scope,
        uuid(mark.id.as_bytes()),
        mark.digest.as_slice(),
        resource,
        mark.at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(crate) async fn prune(pool: &PgPool, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let pruned = sqlx::query!(
        "DELETE FROM create_requests WHERE (tenant, id) IN (
             SELECT tenant, id FROM create_requests WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
        before.as_unix_micros(),
        i64::from(limit),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(pruned.rows_affected())
}
