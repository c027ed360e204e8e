//! Which grants have changed of late.

use broker_core::Timestamp;
use broker_core::ports::{GrantChange, StoreError};
use sqlx::PgPool;

use crate::columns::key;
use crate::operation::failed;

/// Of every tenant: the function of the database sees them all, and tells keys and times alone.
pub(crate) async fn since(
    pool: &PgPool,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<GrantChange>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT tenant AS "tenant!", provider AS "provider!", user_id AS "user_id!", account AS "account!",
                  changed_at AS "changed_at!"
           FROM changed_since($1, $2)"#,
        since.as_unix_micros(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| {
            let key = key([row.tenant, row.provider, row.user_id, row.account])?;
            Ok(GrantChange { key, at: Timestamp::from_unix_micros(row.changed_at) })
        })
        .collect()
}
