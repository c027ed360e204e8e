//! What becomes of an authorization before its code is exchanged.

use broker_core::ports::{CodeToKeep, StoreError};
use broker_core::{AuthorizationId, AuthorizationStatus, TenantId, Timestamp};
use sqlx::PgConnection;

use super::rows::status_words;
use crate::columns::{foreign_text, uuid};
use crate::operation::failed;

/// Tests and sets: of any number of browsers with one state, one gets the row.
pub(super) async fn keep(connection: &mut PgConnection, code: &CodeToKeep) -> Result<bool, StoreError> {
    let kept = sqlx::query!(
        "UPDATE authorizations SET code = $4, completion_digest = $5
         WHERE tenant = $1 AND id = $2 AND hosted AND status = 'pending' AND completion_digest IS NULL
           AND expires_at > $3",
        code.tenant.as_str(),
        uuid(code.authorization.as_bytes()),
        code.at.as_unix_micros(),
        code.code.code.as_bytes(),
        code.code.completion_digest.as_slice(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(kept.rows_affected() == 1)
}

pub(super) async fn end(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AuthorizationId,
    status: &AuthorizationStatus,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (status, failure) = status_words(status);
    let ended = sqlx::query!(
        "UPDATE authorizations SET status = $4, failure = $5, settled_at = $3
         WHERE tenant = $1 AND id = $2 AND status = 'pending' AND completion_digest IS NULL",
        tenant.as_str(),
        uuid(id.as_bytes()),
        at.as_unix_micros(),
        status,
        failure.map(foreign_text),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(ended.rows_affected() == 1)
}
