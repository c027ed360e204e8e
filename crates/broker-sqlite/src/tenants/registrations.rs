//! Creating registrations.

use broker_core::ports::{CreateOutcome, RegistrationKey, RequestMark, StoreError};
use broker_core::{AuditRecord, ClientRegistration, GrantWindow, Quota};
use sqlx::SqliteConnection;

use super::secrets;
use crate::audit;
use crate::columns::BindDomain;
use crate::operation::failed;
use crate::{quotas, requests};

/// The caller rolls back what is over quota.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    registration: &ClientRegistration,
    request: Option<&RequestMark>,
    quota: Quota,
    record: &AuditRecord,
) -> Result<CreateOutcome, StoreError> {
    if let Some(before) = requests::before(connection, registration.tenant.as_str(), request).await? {
        return Ok(before);
    }
    if !insert(connection, registration).await? {
        return Ok(CreateOutcome::Taken);
    }
    let key = RegistrationKey::of(registration);
    for (position, secret) in (0..).zip(&registration.secrets) {
        secrets::insert(connection, &key, secret, position).await?;
    }
    requests::keep(connection, registration.tenant.as_str(), request, registration.id.as_str()).await?;
    if quotas::registrations_exceed(connection, quota, &registration.tenant).await? {
        return Ok(CreateOutcome::OverQuota(quota));
    }
    audit::write(connection, record).await?;
    Ok(CreateOutcome::Created)
}

/// `false`: the id is taken. That of a deleted one is free. A tenant that does not exist is inconsistent.
async fn insert(
    connection: &mut SqliteConnection,
    registration: &ClientRegistration,
) -> Result<bool, StoreError> {
    let return_to =
        serde_json::to_string(&registration.return_to).map_err(|_| StoreError::Inconsistent("return_to"))?;
    let inserted = sqlx::query(
        "INSERT INTO client_registrations (tenant, provider, id, client_id, secrets_made, redirect_uri, scopes,
                                           return_to, created_at, updated_at, version, grant_window,
                                           allow_device_authorization)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (tenant, provider, id) DO UPDATE SET
             client_id = excluded.client_id, secrets_made = excluded.secrets_made,
             redirect_uri = excluded.redirect_uri, scopes = excluded.scopes, return_to = excluded.return_to,
             created_at = excluded.created_at, updated_at = excluded.updated_at, version = excluded.version,
             grant_window = excluded.grant_window,
             allow_device_authorization = excluded.allow_device_authorization, deleted_at = NULL
         WHERE deleted_at IS NOT NULL",
    )
    .bind(registration.tenant.as_str())
    .bind(registration.provider.as_str())
    .bind(registration.id.as_str())
    .bind(registration.client_id.as_str())
    .bind(registration.secrets_made)
    .bind(registration.redirect_uri.as_str())
    .bind_scopes(&registration.scopes)
    .bind(return_to)
    .bind_time(registration.created_at)
    .bind_time(registration.updated_at)
    .bind_version(registration.version)
    .bind(registration.grant_window.map(GrantWindow::to_text))
    .bind(registration.allow_device_authorization)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}
