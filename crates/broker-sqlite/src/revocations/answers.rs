//! Token sets on their way out: held ones, replaced ones, and answers that came too late.

use broker_core::ports::{Adoption, ReplacedTokens, StoreError};
use broker_core::{AuditAction, GrantKey, RevocationId, Timestamp};
use sqlx::SqliteConnection;

use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::grants::attempts::authorization_of;
use crate::grants::close::fail_authorization;
use crate::operation::failed;

/// Keeps the tokens a grant holds, to be revoked. They stay sealed as they are.
pub(super) async fn keep_held_tokens(
    connection: &mut SqliteConnection,
    key: &GrantKey,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO revocations (grant_id, tenant, registration, lineage, generation, refresh_token_generation,
                                  access_token, refresh_token, created_at, due_at)
         SELECT g.id, g.tenant, g.registration, g.lineage, g.generation, s.refresh_token_generation, s.access_token,
                s.refresh_token, ?5, ?5
         FROM grants g JOIN grant_secrets s ON s.grant_id = g.id
         WHERE g.tenant = ?1 AND g.provider = ?2 AND g.user_id = ?3 AND g.account = ?4
           AND s.access_token IS NOT NULL",
    )
    .bind_key(key)
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Keeps the tokens of an answer, to be revoked. `false`: they were kept before.
pub(crate) async fn keep(connection: &mut SqliteConnection, adoption: &Adoption) -> Result<bool, StoreError> {
    let (attempt, tokens) = (&adoption.attempt, &adoption.tokens);
    let kept = sqlx::query(
        "INSERT INTO revocations (grant_id, tenant, registration, lineage, attempt, generation,
                                  refresh_token_generation, access_token, refresh_token, created_at, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, iif(?8 IS NULL, NULL, ?6), ?7, ?8, ?9, ?9)
         ON CONFLICT (attempt) DO NOTHING",
    )
    .bind(attempt.grant_id().as_bytes().to_vec())
    .bind(attempt.key.tenant.as_str())
    .bind(attempt.registration.as_str())
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind(attempt.id.as_bytes().as_slice())
    .bind_generation(tokens.generation)
    .bind(tokens.access_token.as_bytes())
    .bind(tokens.refresh_token.as_ref().map(|token| token.as_bytes()))
    .bind_time(adoption.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(kept.rows_affected() == 1)
}

/// Revoke wins: the answer's tokens are revoked too, and the grant is revoking again.
pub(crate) async fn revoke(connection: &mut SqliteConnection, adoption: &Adoption) -> Result<(), StoreError> {
    let attempt = &adoption.attempt;
    if keep(connection, adoption).await? {
        sqlx::query(
            "UPDATE grants SET lifecycle = 'revoking', revocation = NULL, updated_at = ?5
             WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4",
        )
        .bind_key(&attempt.key)
        .bind_time(adoption.at)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
        let answer = format!("attempts/{}", attempt.id);
        let action = AuditAction::REVOKE_ANSWER;
        audit::write_of_grant(connection, &attempt.key, action, None, &answer, adoption.at).await?;
    }
    sqlx::query(
        "UPDATE attempts SET closed_at = coalesce(closed_at, ?6), conclusion = 'revoked'
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND id = ?5",
    )
    .bind_key(&attempt.key)
    .bind(attempt.id.as_bytes().as_slice())
    .bind_time(adoption.at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    match authorization_of(attempt) {
        None => Ok(()),
        Some(id) => fail_authorization(connection, attempt, id, "revoked", adoption.at).await,
    }
}

/// What a new consent replaces (rule 13): revoked where that does not reach the new one; else let go, with what of
/// earlier lineages still waited to be revoked.
pub(crate) async fn give_up_replaced(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
) -> Result<(), StoreError> {
    let key = &adoption.attempt.key;
    match adoption.replaced {
        ReplacedTokens::Revoke => keep_held_tokens(connection, key, adoption.at).await,
        ReplacedTokens::LetGo => let_go(connection, key, adoption.at).await,
    }
}

async fn let_go(connection: &mut SqliteConnection, key: &GrantKey, at: Timestamp) -> Result<(), StoreError> {
    let gone = sqlx::query(
        "UPDATE revocations
         SET access_token = NULL, refresh_token = NULL, refresh_token_generation = NULL, due_at = NULL,
             ended_at = ?2, outcome = 'let_go'
         WHERE grant_id = ?1 AND ended_at IS NULL RETURNING id",
    )
    .bind(key.grant_id().as_bytes().to_vec())
    .bind_time(at)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    for row in gone {
        let tokens = format!("revocations/{}", row.id("id", RevocationId::from_bytes)?);
        audit::write_of_grant(connection, key, AuditAction::LET_GO, None, &tokens, at).await?;
    }
    Ok(())
}
