//! When callers last asked for grants.

use broker_core::ports::StoreError;
use broker_core::{GrantKey, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::BindDomain;
use crate::operation::failed;

pub(crate) async fn note(
    connection: &mut SqliteConnection,
    asked: &[(GrantKey, Timestamp)],
) -> Result<(), StoreError> {
    for (key, at) in asked {
        sqlx::query(
            "INSERT INTO grants_asked (grant_id, asked_at)
             SELECT id, ?5 FROM grants WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
             ON CONFLICT (grant_id) DO UPDATE SET asked_at = max(asked_at, excluded.asked_at)",
        )
        .bind_key(key)
        .bind_time(*at)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    }
    Ok(())
}
