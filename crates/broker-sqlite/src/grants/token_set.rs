//! Writing an adopted token set into the grant.

use broker_core::ports::{Adoption, Lineage, StoreError};
use broker_core::{Attempt, SealedTokenSet, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::{BindDomain, Statement, kept_span};
use crate::operation::failed;

/// Keeps the set. The caller has judged it, in the same transaction.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
    grant_exists: bool,
) -> Result<(), StoreError> {
    let Adoption { attempt, tokens, at, .. } = adoption;
    match adoption.lineage {
        Lineage::Present => renew(connection, attempt, tokens, *at).await?,
        Lineage::New { consented_at, .. } if grant_exists => {
            replace(connection, attempt, tokens, consented_at, *at).await?;
        }
        Lineage::New { consented_at, .. } => insert(connection, attempt, tokens, consented_at, *at).await?,
    }
    keep_secrets(connection, adoption).await
}

/// The next set of the present lineage. Clears the taint and the failure, and revives a grant given up.
async fn renew(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    tokens: &SealedTokenSet,
    at: Timestamp,
) -> Result<(), StoreError> {
    let renewed = sqlx::query(
        "UPDATE grants
         SET generation = ?5, token_type = ?6, scopes = ?7, api_base_url = coalesce(?8, api_base_url),
             issued_at = ?9, expires_at = ?10, dies_at = ?11, due_at = ?12, refreshed_at = ?13, updated_at = ?13,
             lifecycle = 'active', consent_cause = NULL, phase = 'idle', tainted = 0,
             failure_kind = NULL, failure_at = NULL, failure_oauth_error = NULL, failure_http_status = NULL,
             failure_in_a_row = NULL, failure_since = NULL,
             adopted_from_generation = ?15, adopted_from_presentation_no = ?16,
             authorization_ends_at = ?17, refresh_token_timeout = ?18,
             -- Which of the notices are given already shows when it is looked at.
             notice_at = CASE WHEN ?19 IS NULL THEN NULL
                              WHEN authorization_ends_at = ?17 AND notice_at IS NOT NULL THEN notice_at
                              ELSE ?19 END
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND lineage = ?14 AND generation < ?5",
    )
    .bind_key(&attempt.key)
    .bind_generation(tokens.generation)
    .bind(tokens.token_type.as_str())
    .bind_scopes(&tokens.scopes)
    .bind(tokens.api_base_url.as_deref())
    .bind_time(tokens.issued_at)
    .bind_time(tokens.expires_at)
    .bind_optional_time(tokens.end.dies_at)
    .bind_optional_time(tokens.due_at)
    .bind_time(at)
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind_generation(attempt.generation)
    .bind(attempt.presentation_no)
    .bind_end(tokens)
    .execute(connection)
    .await
    .map_err(failed)?;
    exactly_one(renewed.rows_affected())
}

/// The first set of a new lineage on an existing grant: nothing of the old one stays but id and age.
async fn replace(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    tokens: &SealedTokenSet,
    consented_at: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    let replaced = sqlx::query(
        "UPDATE grants
         SET generation = ?5, token_type = ?6, scopes = ?7, api_base_url = ?8, issued_at = ?9, expires_at = ?10,
             dies_at = ?11, due_at = ?12, updated_at = ?13, lineage = ?14, registration = ?15,
             consented_at = ?16, refreshed_at = NULL, revoked_at = NULL, revocation = NULL,
             lifecycle = 'active', consent_cause = NULL, phase = 'idle', tainted = 0,
             failure_kind = NULL, failure_at = NULL, failure_oauth_error = NULL, failure_http_status = NULL,
             failure_in_a_row = NULL, failure_since = NULL,
             adopted_from_generation = ?17, adopted_from_presentation_no = ?18,
             authorization_ends_at = ?19, refresh_token_timeout = ?20, notice_at = ?21, noticed = NULL
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND generation < ?5",
    )
    .bind_key(&attempt.key)
    .bind_generation(tokens.generation)
    .bind(tokens.token_type.as_str())
    .bind_scopes(&tokens.scopes)
    .bind(tokens.api_base_url.as_deref())
    .bind_time(tokens.issued_at)
    .bind_time(tokens.expires_at)
    .bind_optional_time(tokens.end.dies_at)
    .bind_optional_time(tokens.due_at)
    .bind_time(at)
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind(attempt.registration.as_str())
    .bind_time(consented_at)
    .bind_generation(attempt.generation)
    .bind(attempt.presentation_no)
    .bind_end(tokens)
    .execute(connection)
    .await
    .map_err(failed)?;
    exactly_one(replaced.rows_affected())
}

async fn insert(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    tokens: &SealedTokenSet,
    consented_at: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO grants (tenant, provider, user_id, account, generation, token_type, scopes, api_base_url,
                             issued_at, expires_at, dies_at, due_at, created_at, updated_at, lineage,
                             registration, consented_at, adopted_from_generation, adopted_from_presentation_no,
                             id, authorization_ends_at, refresh_token_timeout, notice_at, lifecycle, phase,
                             tainted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
                 ?20, ?21, ?22, 'active', 'idle', 0)",
    )
    .bind_key(&attempt.key)
    .bind_generation(tokens.generation)
    .bind(tokens.token_type.as_str())
    .bind_scopes(&tokens.scopes)
    .bind(tokens.api_base_url.as_deref())
    .bind_time(tokens.issued_at)
    .bind_time(tokens.expires_at)
    .bind_optional_time(tokens.end.dies_at)
    .bind_optional_time(tokens.due_at)
    .bind_time(at)
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind(attempt.registration.as_str())
    .bind_time(consented_at)
    .bind_generation(attempt.generation)
    .bind(attempt.presentation_no)
    .bind(attempt.grant_id().as_bytes().as_slice())
    .bind_end(tokens)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Within a lineage, an answer without a refresh token keeps the old one, sealed as it is (RFC 6749 §6). A new
/// lineage never keeps one: the old token belongs to another authorization.
async fn keep_secrets(connection: &mut SqliteConnection, adoption: &Adoption) -> Result<(), StoreError> {
    let tokens = &adoption.tokens;
    let refresh_token = tokens.refresh_token.as_ref().map(|token| token.as_bytes());
    sqlx::query(
        "INSERT INTO grant_secrets (grant_id, access_token, refresh_token, refresh_token_generation)
         VALUES (?1, ?2, ?3, iif(?3 IS NULL, NULL, ?4))
         ON CONFLICT (grant_id) DO UPDATE SET
             access_token = excluded.access_token,
             refresh_token = iif(?5, coalesce(?3, refresh_token), ?3),
             refresh_token_generation =
                 iif(?5 AND ?3 IS NULL, refresh_token_generation, excluded.refresh_token_generation)",
    )
    .bind(adoption.attempt.grant_id().as_bytes().as_slice())
    .bind(tokens.access_token.as_bytes())
    .bind(refresh_token)
    .bind_generation(tokens.generation)
    .bind(adoption.lineage == Lineage::Present)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Binds what of a grant's end dies when, and when that is told first.
trait BindEnd {
    fn bind_end(self, tokens: &SealedTokenSet) -> Self;
}

impl BindEnd for Statement<'_> {
    fn bind_end(self, tokens: &SealedTokenSet) -> Self {
        let life = tokens.end.refresh_token_timeout;
        self.bind_optional_time(tokens.end.authorization_ends_at)
            .bind(life.map(kept_span))
            .bind_optional_time(tokens.first_notice_at)
    }
}

fn exactly_one(rows: u64) -> Result<(), StoreError> {
    match rows {
        1 => Ok(()),
        _ => Err(StoreError::Inconsistent("an adoption did not find the grant it was judged by")),
    }
}
