//! Which grants have changed of late.

use broker_core::Timestamp;
use broker_core::ports::{GrantChange, StoreError};
use sqlx::SqliteConnection;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(crate) async fn since(
    connection: &mut SqliteConnection,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<GrantChange>, StoreError> {
    sqlx::query(
        "SELECT g.tenant, g.provider, g.user_id, g.account, c.changed_at
         FROM (
             SELECT grant_id, closed_at AS changed_at FROM attempts WHERE closed_at >= ?1
             UNION SELECT id, revoked_at FROM grants WHERE revoked_at >= ?1
         ) AS c JOIN grants AS g ON g.id = c.grant_id
         ORDER BY c.changed_at DESC LIMIT ?2",
    )
    .bind_time(since)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(|row| Ok(GrantChange { key: row.key()?, at: row.time("changed_at")? }))
    .collect()
}
