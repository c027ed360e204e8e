//! The one read of a vend.

use broker_core::GrantKey;
use broker_core::ports::{StoreError, VendableGrant};
use sqlx::SqliteConnection;

use super::rows::{self, grant_columns};
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(crate) async fn read(
    connection: &mut SqliteConnection,
    key: &GrantKey,
) -> Result<Option<VendableGrant>, StoreError> {
    sqlx::query(concat!(
        "SELECT ",
        grant_columns!(),
        ", s.access_token
         FROM grants g JOIN grant_secrets s ON s.grant_id = g.id
         WHERE g.tenant = ?1 AND g.provider = ?2 AND g.user_id = ?3 AND g.account = ?4"
    ))
    .bind_key(key)
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .map(|row| {
        Ok(VendableGrant { grant: rows::grant(&row)?, access_token: row.optional_sealed("access_token")? })
    })
    .transpose()
}
