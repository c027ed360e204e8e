//! Deleting registrations: the secrets go, the name stays for what is pinned to it.

use broker_core::ports::{ChangeOutcome, RegistrationKey, StoreError};
use broker_core::{AuditRecord, RowVersion, Timestamp};
use sqlx::{PgConnection, PgPool};

use super::changes;
use crate::audit;
use crate::operation::failed;
use crate::scope;

pub(super) async fn delete(
    pool: &PgPool,
    key: &RegistrationKey,
    expected: Option<RowVersion>,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &key.tenant).await?;
    if let Some(refusal) = changes::refusal(&mut tx, key, expected).await? {
        return Ok(refusal);
    }
    if is_in_use(&mut tx, key).await? {
        return Ok(ChangeOutcome::InUse);
    }
    sqlx::query!(
        "WITH secrets AS (
             DELETE FROM client_secrets WHERE tenant = $1 AND provider = $2 AND registration = $3
         ), pauses AS (
             DELETE FROM registration_pauses WHERE tenant = $1 AND provider = $2 AND registration = $3
         )
         UPDATE client_registrations SET deleted_at = $4 WHERE tenant = $1 AND provider = $2 AND id = $3",
        key.tenant.as_str(),
        key.provider.as_str(),
        key.id.as_str(),
        at.as_unix_micros(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(ChangeOutcome::Changed)
}

/// A living grant is pinned to it, a machine credential is minted of it, or an attempt of it is open. The registration is
/// locked: a code that is exchanged through it was claimed before, and is seen here, or will not be.
async fn is_in_use(connection: &mut PgConnection, key: &RegistrationKey) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM grants g JOIN grant_rotation r ON r.grant_id = g.id
                          WHERE g.tenant = $1 AND g.provider = $2 AND g.registration = $3
                            AND r.lifecycle NOT IN ('needs_consent', 'consent_expired'))
               OR EXISTS (SELECT 1 FROM machine_credentials m
                          WHERE m.tenant = $1 AND m.provider = $2 AND m.registration = $3)
               OR EXISTS (SELECT 1 FROM attempts a
                          WHERE a.tenant = $1 AND a.provider = $2 AND a.registration = $3
                            AND a.closed_at IS NULL AND a.owner IS NOT NULL) AS "in_use!""#,
        key.tenant.as_str(),
        key.provider.as_str(),
        key.id.as_str(),
    )
    .fetch_one(connection)
    .await
    .map_err(failed)
}
