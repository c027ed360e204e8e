//! Mints: what is due, taken, and ended.

use broker_core::ports::{DueMint, MintClaim, MintEnd, MintOutcome, StoreError};
use broker_core::{
    GrantKey, LastFailure, MachineCredential, MintMark, MintedToken, RegistrationId, Timestamp,
};
use sqlx::{PgConnection, PgPool};

use super::rows::CredentialRow;
use crate::audit;
use crate::columns::{self, foreign_text, generation, kept, kept_version, name, number, uuid, version};
use crate::operation::failed;

pub(super) async fn due(pool: &PgPool, due_by: Timestamp, limit: u32) -> Result<Vec<DueMint>, StoreError> {
    let rows = sqlx::query!(
        "SELECT tenant, provider, user_id, account, version, generation, failures, registration FROM machine_credentials
         WHERE mint_at <= $1 AND (minting_until IS NULL OR minting_until <= $1) ORDER BY mint_at LIMIT $2",
        due_by.as_unix_micros(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let due = rows.into_iter().map(|row| {
        let mark = MintMark {
            version: version(row.version, "version")?,
            generation: generation(row.generation, "generation")?,
            failures: number(row.failures, "failures")?,
        };
        let named = |text| name(text, RegistrationId::new, "registration");
        Ok(DueMint {
            key: columns::key([row.tenant, row.provider, row.user_id, row.account])?,
            mark,
            registration: row.registration.map(named).transpose()?,
        })
    });
    due.collect()
}

pub(super) async fn put_off(
    pool: &PgPool,
    mints: &[DueMint],
    due_by: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    let ids: Vec<_> = mints.iter().map(|mint| uuid(mint.key.grant_id().as_bytes())).collect();
    sqlx::query!(
        "UPDATE machine_credentials SET mint_at = $3 WHERE grant_id = ANY($1) AND mint_at <= $2",
        &ids,
        due_by.as_unix_micros(),
        until.as_unix_micros(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn claim(pool: &PgPool, claim: &MintClaim) -> Result<Option<MachineCredential>, StoreError> {
    let row = sqlx::query_as!(
        CredentialRow,
        "UPDATE machine_credentials SET minting_until = $7
         WHERE tenant = $1 AND grant_id = $2 AND mint_at IS NOT NULL AND version = $3 AND generation = $4
           AND failures = $5 AND (minting_until IS NULL OR minting_until <= $6)
         RETURNING tenant, provider, user_id, account, kind, api_key_id, api_key_secret, created_at, updated_at, version,
                   registration, parent_user, parent_account, target, asked_scopes, generation, access_token, token_type,
                   scopes, api_base_url, issued_at, expires_at, parent_lineage, mint_at, minting_until, failures, failure,
                   failure_at, failing_since, failure_code, failure_status",
        claim.key.tenant.as_str(),
        uuid(claim.key.grant_id().as_bytes()),
        kept_version(claim.mark.version),
        kept(claim.mark.generation),
        number::<i32, _>(claim.mark.failures, "failures")?,
        claim.at.as_unix_micros(),
        claim.hold_until.as_unix_micros(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    row.map(CredentialRow::credential).transpose()
}

pub(super) async fn end(pool: &PgPool, end: &MintEnd) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let ended = match &end.outcome {
        MintOutcome::Minted { token, record } => {
            let kept = keep(&mut tx, end, token).await?;
            if kept {
                audit::write(&mut tx, record).await?;
            }
            kept
        }
        MintOutcome::Failed(failure) => note(&mut tx, end, failure).await?,
    };
    tx.commit().await.map_err(failed)?;
    Ok(ended)
}

async fn keep(connection: &mut PgConnection, end: &MintEnd, token: &MintedToken) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE machine_credentials
         SET generation = generation + 1, mint_at = $5, minting_until = NULL, access_token = $6, token_type = $7,
             scopes = $8, api_base_url = $9, issued_at = $10, expires_at = $11, parent_lineage = $12, failures = 0,
             failure = NULL, failure_at = NULL, failing_since = NULL, failure_code = NULL, failure_status = NULL
         WHERE tenant = $1 AND grant_id = $2 AND version = $3 AND minting_until = $4",
        end.claim.key.tenant.as_str(),
        uuid(end.claim.key.grant_id().as_bytes()),
        kept_version(end.claim.mark.version),
        end.claim.hold_until.as_unix_micros(),
        end.mint_at.as_unix_micros(),
        token.access_token.as_bytes(),
        foreign_text(&token.token_type),
        foreign_text(&token.scopes.join(" ")),
        token.api_base_url.as_deref(),
        token.issued_at.as_unix_micros(),
        token.expires_at.as_unix_micros(),
        token.lineage.map(|lineage| uuid(lineage.as_bytes())),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

async fn note(
    connection: &mut PgConnection,
    end: &MintEnd,
    failure: &LastFailure,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE machine_credentials
         SET mint_at = $5, minting_until = NULL, failures = $6, failure = $7, failure_at = $8, failing_since = $9,
             failure_code = $10, failure_status = $11
         WHERE tenant = $1 AND grant_id = $2 AND version = $3 AND minting_until = $4",
        end.claim.key.tenant.as_str(),
        uuid(end.claim.key.grant_id().as_bytes()),
        kept_version(end.claim.mark.version),
        end.claim.hold_until.as_unix_micros(),
        end.mint_at.as_unix_micros(),
        number::<i32, _>(failure.in_a_row, "failures")?,
        failure.kind.as_str(),
        failure.at.as_unix_micros(),
        failure.since.as_unix_micros(),
        failure.oauth_error.as_deref().map(foreign_text),
        failure.http_status.map(i32::from),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

/// Called by who only vends, too.
pub(super) async fn want(
    connection: &mut PgConnection,
    key: &GrantKey,
    mark: MintMark,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE machine_credentials SET mint_at = $6
         WHERE tenant = $1 AND grant_id = $2 AND version = $3 AND generation = $4 AND failures = $5 AND mint_at > $6",
        key.tenant.as_str(),
        uuid(key.grant_id().as_bytes()),
        kept_version(mark.version),
        kept(mark.generation),
        number::<i32, _>(mark.failures, "failures")?,
        at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
