//! Changing registrations.

use broker_core::ports::{ChangeOutcome, RegistrationChange, RegistrationKey, StoreError};
use broker_core::{AuditRecord, GrantWindow, RowVersion};
use sqlx::SqliteConnection;

use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(super) async fn update(
    connection: &mut SqliteConnection,
    change: &RegistrationChange,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    if let Some(refusal) = refusal(connection, &change.key, change.expected).await? {
        return Ok(refusal);
    }
    let return_to = change.return_to.as_ref().map(serde_json::to_string).transpose();
    sqlx::query(
        "UPDATE client_registrations SET
             redirect_uri = coalesce(?4, redirect_uri), scopes = coalesce(?5, scopes),
             return_to = coalesce(?6, return_to), updated_at = ?7, version = version + 1,
             grant_window = iif(?8, ?9, grant_window),
             allow_device_authorization = coalesce(?10, allow_device_authorization)
         WHERE tenant = ?1 AND provider = ?2 AND id = ?3",
    )
    .bind_registration(&change.key)
    .bind(change.redirect_uri.as_deref())
    .bind(change.scopes.as_ref().map(|scopes| scopes.join(" ")))
    .bind(return_to.map_err(|_| StoreError::Inconsistent("return_to"))?)
    .bind_time(change.at)
    .bind(change.grant_window.is_some())
    .bind(change.grant_window.flatten().map(GrantWindow::to_text))
    .bind(change.allow_device_authorization)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    audit::write(connection, record).await?;
    Ok(ChangeOutcome::Changed)
}

/// Why a registration is not to be changed: it is not there, or not the version expected.
pub(super) async fn refusal(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
    expected: Option<RowVersion>,
) -> Result<Option<ChangeOutcome>, StoreError> {
    let row = sqlx::query(
        "SELECT version FROM client_registrations
         WHERE tenant = ?1 AND provider = ?2 AND id = ?3 AND deleted_at IS NULL",
    )
    .bind_registration(key)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(Some(ChangeOutcome::Absent)) };
    let version = row.version("version")?;
    Ok(expected.filter(|expected| *expected != version).map(|_| ChangeOutcome::Stale))
}
