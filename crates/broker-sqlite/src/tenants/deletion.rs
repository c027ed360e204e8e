//! Deleting registrations: the secrets go, the name stays for what is pinned to it.

use broker_core::ports::{ChangeOutcome, RegistrationKey, StoreError};
use broker_core::{AuditRecord, RowVersion, Timestamp};
use sqlx::SqliteConnection;

use super::changes;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(super) async fn delete(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
    expected: Option<RowVersion>,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<ChangeOutcome, StoreError> {
    if let Some(refusal) = changes::refusal(connection, key, expected).await? {
        return Ok(refusal);
    }
    if is_in_use(connection, key).await? {
        return Ok(ChangeOutcome::InUse);
    }
    for statement in [
        "DELETE FROM client_secrets WHERE tenant = ?1 AND provider = ?2 AND registration = ?3",
        "DELETE FROM registration_pauses WHERE tenant = ?1 AND provider = ?2 AND registration = ?3",
    ] {
        sqlx::query(statement).bind_registration(key).execute(&mut *connection).await.map_err(failed)?;
    }
    sqlx::query(
        "UPDATE client_registrations SET deleted_at = ?4 WHERE tenant = ?1 AND provider = ?2 AND id = ?3",
    )
    .bind_registration(key)
    .bind_time(at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    audit::write(connection, record).await?;
    Ok(ChangeOutcome::Changed)
}

/// A living grant is pinned to it, a machine credential is minted of it, or an attempt of it is open.
async fn is_in_use(connection: &mut SqliteConnection, key: &RegistrationKey) -> Result<bool, StoreError> {
    sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM grants
                        WHERE tenant = ?1 AND provider = ?2 AND registration = ?3
                          AND lifecycle NOT IN ('needs_consent', 'consent_expired'))
             OR EXISTS (SELECT 1 FROM machine_credentials
                        WHERE tenant = ?1 AND provider = ?2 AND registration = ?3)
             OR EXISTS (SELECT 1 FROM attempts
                        WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND closed_at IS NULL) AS in_use",
    )
    .bind_registration(key)
    .fetch_one(connection)
    .await
    .map_err(failed)?
    .flag("in_use")
}
