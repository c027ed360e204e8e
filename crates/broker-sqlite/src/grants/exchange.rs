//! Using an authorization's state, once.

use broker_core::ports::{ExchangeClaim, ExchangeOutcome, StoreError};
use broker_core::{
    Attempt, AttemptId, AttemptKind, AttemptPhase, AuthorizationId, Generation, IncarnationId, LineageId,
    Quota, RegistrationId, TenantId, Timestamp,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::{attempts, lookup};
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::quotas;

/// What opens an attempt.
pub(crate) struct Step<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) authorization: AuthorizationId,
    pub(crate) attempt: AttemptId,
    pub(crate) owner: IncarnationId,
    pub(crate) at: Timestamp,
}

/// Whether it was opened.
pub(crate) enum Opened {
    Attempt(Box<Attempt>),
    NotPending,
    OverQuota,
}

/// The caller rolls back what was not claimed.
pub(crate) async fn claim(
    connection: &mut SqliteConnection,
    claim: &ExchangeClaim,
    quota: Quota,
) -> Result<ExchangeOutcome, StoreError> {
    let step = Step {
        tenant: &claim.tenant,
        authorization: claim.authorization,
        attempt: claim.attempt,
        owner: claim.owner,
        at: claim.at,
    };
    match open(connection, &step, quota).await? {
        Opened::Attempt(attempt) => {
            audit::write(connection, &claim.record).await?;
            Ok(ExchangeOutcome::Claimed(attempt))
        }
        Opened::NotPending => Ok(ExchangeOutcome::NotPending),
        Opened::OverQuota => Ok(ExchangeOutcome::OverQuota(quota)),
    }
}

pub(crate) async fn open(
    connection: &mut SqliteConnection,
    claim: &Step<'_>,
    quota: Quota,
) -> Result<Opened, StoreError> {
    let Some(authorization) = take(connection, claim).await? else { return Ok(Opened::NotPending) };
    let key = authorization.key()?;
    if quotas::grants_exceed(connection, quota, &key).await? {
        return Ok(Opened::OverQuota);
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
    Ok(Opened::Attempt(Box::new(attempt)))
}

/// One statement tests and sets: of any number of redirects with one state, one gets the row; none once the registration
/// was deleted.
async fn take(connection: &mut SqliteConnection, claim: &Step<'_>) -> Result<Option<SqliteRow>, StoreError> {
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
