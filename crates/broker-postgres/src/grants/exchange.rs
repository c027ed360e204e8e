//! Using an authorization's state, once.

use broker_core::Attempt;
use broker_core::ports::{ExchangeClaim, StoreError};
use sqlx::{PgConnection, PgPool};

use super::attempts::AttemptRow;
use crate::audit;
use crate::columns::uuid;
use crate::operation::failed;

pub(crate) async fn claim(pool: &PgPool, claim: &ExchangeClaim) -> Result<Option<Attempt>, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let attempt = take(&mut tx, claim).await?;
    if attempt.is_some() {
        audit::write(&mut tx, &claim.record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(attempt)
}

async fn take(connection: &mut PgConnection, claim: &ExchangeClaim) -> Result<Option<Attempt>, StoreError> {
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
