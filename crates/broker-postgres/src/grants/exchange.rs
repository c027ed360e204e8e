//! Using an authorization's state, once.

use broker_core::ports::{ExchangeClaim, ExchangeOutcome, StoreError};
use broker_core::{Attempt, Quota};
use sqlx::{PgConnection, PgPool};

use super::attempts::AttemptRow;
use crate::audit;
use crate::columns::uuid;
use crate::operation::failed;
use crate::quotas;

pub(crate) async fn claim(
    pool: &PgPool,
    claim: &ExchangeClaim,
    quota: Quota,
) -> Result<ExchangeOutcome, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let Some(attempt) = open(&mut tx, claim).await? else { return Ok(ExchangeOutcome::NotPending) };
    if quotas::grants_exceed(&mut tx, quota, &attempt.key).await? {
        return Ok(ExchangeOutcome::OverQuota(quota));
    }
    audit::write(&mut tx, &claim.record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(ExchangeOutcome::Claimed(Box::new(attempt)))
}

/// Locks the grant, if it is there, until the transaction ends.
async fn open(connection: &mut PgConnection, claim: &ExchangeClaim) -> Result<Option<Attempt>, StoreError> {
    sqlx::query_as!(
        AttemptRow,
        r#"SELECT id AS "id!", tenant AS "tenant!", provider AS "provider!", user_id AS "user_id!",
                  account AS "account!", authorization_id, registration AS "registration!", lineage AS "lineage!",
                  generation AS "generation!", presentation_no AS "presentation_no!", owner AS "owner!",
                  claimed_at AS "claimed_at!", sent_at, closed_at
           FROM claim_exchange($1, $2, $3, $4, $5)"#,
        claim.tenant.as_str(),
        uuid(claim.authorization.as_bytes()),
        uuid(claim.attempt.as_bytes()),
        uuid(claim.owner.as_bytes()),
        claim.at.as_unix_micros(),
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .map(AttemptRow::attempt)
    .transpose()
}
