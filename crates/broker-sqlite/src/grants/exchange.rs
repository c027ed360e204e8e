//! Using an authorization's state, once.

use broker_core::ports::{ExchangeClaim, ExchangeOutcome, StoreError};
use broker_core::{Attempt, AttemptKind, AttemptPhase, Generation, LineageId, Quota, RegistrationId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::{attempts, lookup};
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::quotas;

/// The caller rolls back what was not claimed.
pub(crate) async fn claim(
    connection: &mut SqliteConnection,
    claim: &ExchangeClaim,
    quota: Quota,
) -> Result<ExchangeOutcome, StoreError> {
    let Some(authorization) = take(connection, claim).await? else { return Ok(ExchangeOutcome::NotPending) };
    let key = authorization.key()?;
    if quotas::grants_exceed(connection, quota, &key).await? {
        return Ok(ExchangeOutcome::OverQuota(quota));
    }
    let generation = lookup::standing(connection, &key).await?.map_or(Generation::NONE, |row| row.generation);
    let attempt = Attempt {
        id: claim.attempt,
        kind: AttemptKind::CodeExchange(claim.authorization),
        registration: authorization.name("registration", RegistrationId::new)?,
        lineage: authorization.id("lineage", LineageId::from_bytes)?,
        generation,
        presentation_no: attempts::next_presentation_no(connection, key.grant_id(), generation).await?,
        key,
        owner: claim.owner,
        claimed_at: claim.at,
        sent_at: None,
        phase: AttemptPhase::Claimed,
    };
    attempts::insert(connection, &attempt).await?;
    audit::write(connection, &claim.record).await?;
    Ok(ExchangeOutcome::Claimed(Box::new(attempt)))
}

/// One statement tests and sets: of any number of redirects with one state, one gets the row; none once the registration
/// was deleted.
async fn take(
    connection: &mut SqliteConnection,
    claim: &ExchangeClaim,
) -> Result<Option<SqliteRow>, StoreError> {
    sqlx::query(
        "UPDATE authorizations SET status = 'exchanging'
         WHERE tenant = ?1 AND id = ?2 AND status = 'pending' AND expires_at > ?3
           AND EXISTS (SELECT 1 FROM client_registrations c
                       WHERE c.tenant = authorizations.tenant AND c.provider = authorizations.provider
                         AND c.id = authorizations.registration AND c.deleted_at IS NULL)
         RETURNING tenant, provider, user_id, account, registration, lineage",
    )
    .bind(claim.tenant.as_str())
    .bind(claim.authorization.as_bytes().as_slice())
    .bind_time(claim.at)
    .fetch_optional(connection)
    .await
    .map_err(failed)
}
