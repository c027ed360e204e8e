//! Secrets that a provider accepted.

use broker_core::ports::{RegistrationKey, StoreError, records};
use broker_core::{AuditAction, SecretId, Timestamp};
use sqlx::SqliteConnection;

use crate::audit;
use crate::columns::BindDomain;
use crate::operation::failed;

pub(super) async fn note(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
    secret: SecretId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let recovers = is_refused_before(connection, key, secret, at).await?;
    sqlx::query(
        "UPDATE client_secrets
         SET last_accepted_at = ?5, refused_at = CASE WHEN refused_at > ?5 THEN refused_at END
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND number = ?4
           AND coalesce(last_accepted_at <= ?5, TRUE)",
    )
    .bind_registration(key)
    .bind(secret.get())
    .bind_time(at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    match recovers {
        true => audit::write(connection, &records::secret(AuditAction::ACCEPT_SECRET, key, secret, at)).await,
        false => Ok(()),
    }
}

/// Whether the secret was refused, at that time or before, and not accepted later than that.
async fn is_refused_before(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
    secret: SecretId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let refused = sqlx::query(
        "SELECT 1 FROM client_secrets
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND number = ?4 AND refused_at <= ?5
           AND coalesce(last_accepted_at <= ?5, TRUE)",
    )
    .bind_registration(key)
    .bind(secret.get())
    .bind_time(at)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(refused.is_some())
}
