//! Changing registrations.

use broker_core::ports::{ChangeOutcome, RegistrationChange, RegistrationKey, StoreError};
use broker_core::{AuditRecord, GrantWindow, RowVersion};
use sqlx::{PgConnection, PgPool};

use crate::audit;
use crate::columns::version;
use crate::operation::failed;
use crate::scope;

pub(super) async fn update(
    pool: &PgPool,
    change: &RegistrationChange,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &change.key.tenant).await?;
    if let Some(refusal) = refusal(&mut tx, &change.key, change.expected).await? {
        return Ok(refusal);
    }
    let return_to = change.return_to.as_ref().map(serde_json::to_string).transpose();
    sqlx::query!(
        "UPDATE client_registrations SET
             redirect_uri = coalesce($4, redirect_uri), scopes = coalesce($5, scopes),
             return_to = coalesce($6::text::jsonb, return_to), updated_at = $7, version = version + 1,
             grant_window = CASE WHEN $8 THEN $9 ELSE grant_window END,
             allow_device_authorization = coalesce($10, allow_device_authorization)
         WHERE tenant = $1 AND provider = $2 AND id = $3",
        change.key.tenant.as_str(),
        change.key.provider.as_str(),
        change.key.id.as_str(),
        change.redirect_uri.as_deref(),
        change.scopes.as_ref().map(|scopes| scopes.join(" ")),
        return_to.map_err(|_| StoreError::Inconsistent("return_to"))?,
        change.at.as_unix_micros(),
        change.grant_window.is_some(),
        change.grant_window.flatten().map(GrantWindow::to_text),
        change.allow_device_authorization,
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(ChangeOutcome::Changed)
}

/// Locks a registration. Answers why it is not to be changed: it is not there, or not the version expected.
pub(super) async fn refusal(
    connection: &mut PgConnection,
    key: &RegistrationKey,
    expected: Option<RowVersion>,
) -> Result<Option<ChangeOutcome>, StoreError> {
    let found = sqlx::query_scalar!(
        "SELECT version FROM client_registrations
         WHERE tenant = $1 AND provider = $2 AND id = $3 AND deleted_at IS NULL FOR UPDATE",
        key.tenant.as_str(),
        key.provider.as_str(),
        key.id.as_str(),
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let Some(found) = found else { return Ok(Some(ChangeOutcome::Absent)) };
    let found = version(found, "version")?;
    Ok(expected.filter(|expected| *expected != found).map(|_| ChangeOutcome::Stale))
}
