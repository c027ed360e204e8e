//! Secrets that a provider accepted.

use broker_core::ports::{RegistrationKey, StoreError, records};
use broker_core::{AuditAction, SecretId, Timestamp};
use sqlx::PgPool;

use super::secrets::secret_number;
use crate::audit;
use crate::operation::failed;

pub(super) async fn note(
    pool: &PgPool,
    key: &RegistrationKey,
    secret: SecretId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let recovers = sqlx::query_scalar!(
        r#"WITH before AS (
               SELECT refused_at FROM client_secrets
               WHERE tenant = $1 AND provider = $2 AND registration = $3 AND number = $4
                 AND coalesce(last_accepted_at <= $5, true)
               FOR NO KEY UPDATE
           )
           UPDATE client_secrets
           SET last_accepted_at = $5, refused_at = CASE WHEN before.refused_at > $5 THEN before.refused_at END
           FROM before
           WHERE tenant = $1 AND provider = $2 AND registration = $3 AND number = $4
           RETURNING coalesce(before.refused_at <= $5, false) AS "recovers!""#,
        key.tenant.as_str(),
        key.provider.as_str(),
        key.id.as_str(),
        secret_number(secret)?,
        at.as_unix_micros(),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    if recovers == Some(true) {
        audit::write(&mut tx, &records::secret(AuditAction::ACCEPT_SECRET, key, secret, at)).await?;
    }
    tx.commit().await.map_err(failed)
}
