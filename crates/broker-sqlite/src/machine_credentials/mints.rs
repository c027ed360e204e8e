//! Mints: what is due, taken, and ended.

use broker_core::ports::{DueMint, MintClaim, MintEnd, MintOutcome, StoreError};
use broker_core::{
    GrantKey, LastFailure, MachineCredential, MintMark, MintedToken, RegistrationId, Timestamp,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::rows;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(super) async fn due(
    connection: &mut SqliteConnection,
    due_by: Timestamp,
    limit: u32,
) -> Result<Vec<DueMint>, StoreError> {
    sqlx::query(
        "SELECT tenant, provider, user_id, account, version, generation, failures, registration FROM machine_credentials
         WHERE mint_at <= ?1 AND (minting_until IS NULL OR minting_until <= ?1) ORDER BY mint_at LIMIT ?2",
    )
    .bind_time(due_by)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(|row| {
        let registration = row.optional_text("registration")?.map(RegistrationId::new).transpose();
        let registration = registration.map_err(|_| StoreError::Inconsistent("registration"))?;
        Ok(DueMint { key: row.key()?, mark: mark(row)?, registration })
    })
    .collect()
}

pub(super) async fn put_off(
    connection: &mut SqliteConnection,
    mints: &[DueMint],
    due_by: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    for mint in mints {
        sqlx::query("UPDATE machine_credentials SET mint_at = ?3 WHERE grant_id = ?1 AND mint_at <= ?2")
            .bind(mint.key.grant_id().as_bytes().as_slice())
            .bind_time(due_by)
            .bind_time(until)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

fn mark(row: &SqliteRow) -> Result<MintMark, StoreError> {
    Ok(MintMark {
        version: row.version("version")?,
        generation: row.generation("generation")?,
        failures: row.number("failures")?,
    })
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    claim: &MintClaim,
) -> Result<Option<MachineCredential>, StoreError> {
    let row = sqlx::query(
        "UPDATE machine_credentials SET minting_until = ?9
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND mint_at IS NOT NULL
           AND version = ?5 AND generation = ?6 AND failures = ?7 AND (minting_until IS NULL OR minting_until <= ?8)
         RETURNING *",
    )
    .bind_key(&claim.key)
    .bind_version(claim.mark.version)
    .bind_generation(claim.mark.generation)
    .bind(claim.mark.failures)
    .bind_time(claim.at)
    .bind_time(claim.hold_until)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    row.as_ref().map(rows::credential).transpose()
}

pub(super) async fn end(connection: &mut SqliteConnection, end: &MintEnd) -> Result<bool, StoreError> {
    match &end.outcome {
        MintOutcome::Minted { token, record } => {
            let kept = keep(connection, end, token).await?;
            if kept {
                audit::write(connection, record).await?;
            }
            Ok(kept)
        }
        MintOutcome::Failed(failure) => note(connection, end, failure).await,
    }
}

async fn keep(
    connection: &mut SqliteConnection,
    end: &MintEnd,
    token: &MintedToken,
) -> Result<bool, StoreError> {
    let lineage = token.lineage.map(|lineage| lineage.as_bytes().to_vec());
    let done = sqlx::query(
        "UPDATE machine_credentials
         SET generation = generation + 1, mint_at = ?7, minting_until = NULL, access_token = ?8, token_type = ?9,
             scopes = ?10, api_base_url = ?11, issued_at = ?12, expires_at = ?13, parent_lineage = ?14, failures = 0,
             failure = NULL, failure_at = NULL, failing_since = NULL, failure_code = NULL, failure_status = NULL
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND version = ?5 AND minting_until = ?6",
    )
    .bind_key(&end.claim.key)
    .bind_version(end.claim.mark.version)
    .bind_time(end.claim.hold_until)
    .bind_time(end.mint_at)
    .bind(token.access_token.as_bytes())
    .bind(&token.token_type)
    .bind_scopes(&token.scopes)
    .bind(token.api_base_url.as_deref())
    .bind_time(token.issued_at)
    .bind_time(token.expires_at)
    .bind(lineage)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

async fn note(
    connection: &mut SqliteConnection,
    end: &MintEnd,
    failure: &LastFailure,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE machine_credentials
         SET mint_at = ?7, minting_until = NULL, failures = ?8, failure = ?9, failure_at = ?10, failing_since = ?11,
             failure_code = ?12, failure_status = ?13
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND version = ?5 AND minting_until = ?6",
    )
    .bind_key(&end.claim.key)
    .bind_version(end.claim.mark.version)
    .bind_time(end.claim.hold_until)
    .bind_time(end.mint_at)
    .bind(failure.in_a_row)
    .bind(failure.kind.as_str())
    .bind_time(failure.at)
    .bind_time(failure.since)
    .bind(failure.oauth_error.as_deref())
    .bind(failure.http_status)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn want(
    connection: &mut SqliteConnection,
    key: &GrantKey,
    mark: MintMark,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE machine_credentials SET mint_at = ?8
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND version = ?5 AND generation = ?6
           AND failures = ?7 AND mint_at > ?8",
    )
    .bind_key(key)
    .bind_version(mark.version)
    .bind_generation(mark.generation)
    .bind(mark.failures)
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
