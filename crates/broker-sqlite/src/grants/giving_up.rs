//! Giving a grant up until its user consents again, on record.

use broker_core::ports::{GrantAfter, StoreError};
use broker_core::{Attempt, AuditAction, Lifecycle, Timestamp};
use sqlx::SqliteConnection;

use super::rows::lifecycle_words;
use crate::audit;
use crate::columns::BindDomain;
use crate::operation::failed;

/// Whether the end of the attempt gives the grant up that was not given up, or not for this cause.
pub(super) async fn is_news(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    after: &GrantAfter,
) -> Result<bool, StoreError> {
    if action(after.lifecycle).is_none() {
        return Ok(false);
    }
    let (lifecycle, cause) = lifecycle_words(after.lifecycle);
    let otherwise = sqlx::query(
        "SELECT 1 FROM grants
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND (lifecycle <> ?5 OR consent_cause IS NOT ?6)",
    )
    .bind_key(&attempt.key)
    .bind(lifecycle)
    .bind(cause)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(otherwise.is_some())
}

pub(super) async fn record(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    after: &GrantAfter,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(action) = action(after.lifecycle) else { return Ok(()) };
    let (_, cause) = lifecycle_words(after.lifecycle);
    audit::write_of_grant(connection, &attempt.key, action, None, cause.unwrap_or_default(), at).await
}

fn action(lifecycle: Lifecycle) -> Option<AuditAction> {
    match lifecycle {
        Lifecycle::NeedsConsent(_) => Some(AuditAction::NEED_CONSENT),
        Lifecycle::ConsentExpired => Some(AuditAction::EXPIRE),
        Lifecycle::Active | Lifecycle::Revoking | Lifecycle::Revoked => None,
    }
}
