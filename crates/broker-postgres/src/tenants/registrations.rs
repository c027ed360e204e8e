//! Creating registrations.

use broker_core::ports::{CreateOutcome, RegistrationKey, RequestMark, StoreError};
use broker_core::{AuditRecord, ClientRegistration, GrantWindow, Quota};
use sqlx::{PgConnection, PgPool};

use super::secrets;
use crate::audit;
use crate::columns::{kept_version, number};
use crate::operation::failed;
use crate::{quotas, requests, scope};

pub(super) async fn create(
    pool: &PgPool,
    registration: &ClientRegistration,
    request: Option<&RequestMark>,
    quota: Quota,
    record: &AuditRecord,
) -> Result<CreateOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &registration.tenant).await?;
    if let Some(before) = requests::before(&mut tx, registration.tenant.as_str(), request).await? {
        return Ok(before);
    }
    if !insert(&mut tx, registration).await? {
        return Ok(CreateOutcome::Taken);
    }
    let key = RegistrationKey::of(registration);
    for (position, secret) in (0..).zip(&registration.secrets) {
        secrets::insert(&mut tx, &key, secret, position).await?;
    }
    requests::keep(&mut tx, registration.tenant.as_str(), request, registration.id.as_str()).await?;
    if quotas::registrations_exceed(&mut tx, quota, &registration.tenant).await? {
        return Ok(CreateOutcome::OverQuota(quota));
    }
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(CreateOutcome::Created)
}

/// `false`: the id is taken. That of a deleted one is free. A tenant that does not exist is inconsistent.
async fn insert(
    connection: &mut PgConnection,
    registration: &ClientRegistration,
) -> Result<bool, StoreError> {
    let return_to =
        serde_json::to_string(&registration.return_to).map_err(|_| StoreError::Inconsistent("return_to"))?;
    let inserted = sqlx::query!(
        "INSERT INTO client_registrations AS r (tenant, provider, id, client_id, secrets_made, redirect_uri, scopes,
                                                return_to, created_at, updated_at, version, grant_window,
                                                allow_device_authorization)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9, $10, $11, $12, $13)
         ON CONFLICT (tenant, provider, id) DO UPDATE SET
             client_id = excluded.client_id, secrets_made = excluded.secrets_made,
             redirect_uri = excluded.redirect_uri, scopes = excluded.scopes, return_to = excluded.return_to,
             created_at = excluded.created_at, updated_at = excluded.updated_at, version = excluded.version,
             grant_window = excluded.grant_window,
             allow_device_authorization = excluded.allow_device_authorization, deleted_at = NULL
         WHERE r.deleted_at IS NOT NULL",
        registration.tenant.as_str(),
        registration.provider.as_str(),
        registration.id.as_str(),
        registration.client_id.as_str(),
        number::<i32, _>(registration.secrets_made, "secrets_made")?,
        registration.redirect_uri.as_str(),
        registration.scopes.join(" "),
        return_to,
        registration.created_at.as_unix_micros(),
        registration.updated_at.as_unix_micros(),
        kept_version(registration.version),
        registration.grant_window.map(GrantWindow::to_text),
        registration.allow_device_authorization,
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}
