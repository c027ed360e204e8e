//! What becomes of an authorization before its code is exchanged.

use broker_core::ports::{CodeToKeep, StoreError};
use broker_core::{AuthorizationId, AuthorizationStatus, TenantId, Timestamp};
use sqlx::SqliteConnection;

use super::rows::status_words;
use crate::columns::BindDomain;
use crate::operation::failed;

/// Tests and sets: of any number of browsers with one state, one gets the row.
pub(super) async fn keep(connection: &mut SqliteConnection, code: &CodeToKeep) -> Result<bool, StoreError> {
    let kept = sqlx::query(
        "UPDATE authorizations SET code = ?4, completion_digest = ?5
         WHERE tenant = ?1 AND id = ?2 AND hosted AND status = 'pending' AND completion_digest IS NULL
           AND expires_at > ?3",
    )
    .bind(code.tenant.as_str())
    .bind(code.authorization.as_bytes().as_slice())
    .bind_time(code.at)
    .bind(code.code.code.as_bytes())
    .bind(code.code.completion_digest.as_slice())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(kept.rows_affected() == 1)
}

pub(super) async fn end(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AuthorizationId,
    status: &AuthorizationStatus,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (status, failure) = status_words(status);
    let ended = sqlx::query(
        "UPDATE authorizations SET status = ?4, failure = ?5, settled_at = ?3
         WHERE tenant = ?1 AND id = ?2 AND status = 'pending' AND completion_digest IS NULL",
    )
    .bind(tenant.as_str())
    .bind(id.as_bytes().as_slice())
    .bind_time(at)
    .bind(status)
    .bind(failure)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(ended.rows_affected() == 1)
}
