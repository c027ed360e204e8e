//! When callers last asked for grants.

use broker_core::ports::StoreError;
use broker_core::{GrantKey, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

use crate::columns::uuid;
use crate::operation::failed;

/// Rows are written in the order of their ids: two replicas that note the same grants wait for each other, and no more.
pub(crate) async fn note(pool: &PgPool, asked: &[(GrantKey, Timestamp)]) -> Result<(), StoreError> {
    let tenants: Vec<String> = asked.iter().map(|(key, _)| key.tenant.to_string()).collect();
    let ids: Vec<Uuid> = asked.iter().map(|(key, _)| uuid(key.grant_id().as_bytes())).collect();
    let times: Vec<i64> = asked.iter().map(|(_, at)| at.as_unix_micros()).collect();
    sqlx::query!(
        "INSERT INTO grant_use AS u (grant_id, asked_at)
         SELECT g.id, max(q.asked_at) FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS q (tenant, id, asked_at)
         JOIN grants g ON g.id = q.id AND g.tenant = q.tenant
         GROUP BY g.id ORDER BY g.id
         ON CONFLICT (grant_id) DO UPDATE SET asked_at = excluded.asked_at WHERE u.asked_at < excluded.asked_at",
        &tenants,
        &ids,
        &times,
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}
