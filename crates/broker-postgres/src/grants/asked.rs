//! When callers last asked for grants.

use broker_core::ports::StoreError;
use broker_core::{GrantKey, Timestamp};
use sqlx::PgPool;
use uuid::Uuid;

use crate::columns::uuid;
use crate::operation::failed;

pub(crate) async fn note(pool: &PgPool, asked: &[(GrantKey, Timestamp)]) -> Result<(), StoreError> {
    let tenants: Vec<String> = asked.iter().map(|(key, _)| key.tenant.to_string()).collect();
    let ids: Vec<Uuid> = asked.iter().map(|(key, _)| uuid(key.grant_id().as_bytes())).collect();
    let times: Vec<i64> = asked.iter().map(|(_, at)| at.as_unix_micros()).collect();
    sqlx::query!("SELECT note_asked($1, $2, $3)", &tenants, &ids, &times,)
        .execute(pool)
        .await
        .map_err(failed)?;
    Ok(())
}
