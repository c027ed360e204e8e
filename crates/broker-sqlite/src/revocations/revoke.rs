//! Revoking grants, durably: their tokens leave them.

use broker_core::ports::StoreError;
use broker_core::{GrantId, GrantKey, Timestamp};
use sqlx::SqliteConnection;

use super::answers;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Answers those that were not revoked before.
pub(super) async fn revoke(
    connection: &mut SqliteConnection,
    keys: &[GrantKey],
    at: Timestamp,
) -> Result<Vec<GrantKey>, StoreError> {
    let mut fresh = Vec::new();
    for key in keys {
        let Some(was_revoked) = note(connection, key, at).await? else { continue };
        if !was_revoked {
            answers::keep_held_tokens(connection, key, at).await?;
            erase_tokens(connection, key.grant_id()).await?;
            begin(connection, key, at).await?;
            fresh.push(key.clone());
        }
        overrule_attempts(connection, key.grant_id(), at).await?;
    }
    Ok(fresh)
}

/// Notes the time; `None` if there is no such grant, else whether it was revoked before.
async fn note(
    connection: &mut SqliteConnection,
    key: &GrantKey,
    at: Timestamp,
) -> Result<Option<bool>, StoreError> {
    let row = sqlx::query(
        "UPDATE grants SET revoked_at = ?5
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
         RETURNING lifecycle IN ('revoking', 'revoked') AS was_revoked",
    )
    .bind_key(key)
    .bind_time(at)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    row.map(|row| row.flag("was_revoked")).transpose()
}

async fn erase_tokens(connection: &mut SqliteConnection, grant: GrantId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE grant_secrets SET access_token = NULL, refresh_token = NULL, refresh_token_generation = NULL
         WHERE grant_id = ?1",
    )
    .bind(grant.as_bytes().as_slice())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn begin(connection: &mut SqliteConnection, key: &GrantKey, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE grants
         SET lifecycle = 'revoking', consent_cause = NULL, phase = 'idle', due_at = NULL, updated_at = ?5,
             revocation = NULL, failure_kind = NULL, failure_at = NULL, failure_oauth_error = NULL,
             failure_http_status = NULL, failure_in_a_row = NULL, failure_since = NULL
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4",
    )
    .bind_key(key)
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Answers to what was presented are revoked too. Of what was not sent not one byte was written, and none will be: its
/// SENT is refused. A second call reaches what was begun since the first.
async fn overrule_attempts(
    connection: &mut SqliteConnection,
    grant: GrantId,
    at: Timestamp,
) -> Result<(), StoreError> {
    for sql in [
        "UPDATE attempts SET revoked_at = ?2
         WHERE grant_id = ?1 AND adopted_generation IS NULL AND revoked_at IS NULL",
        "UPDATE authorizations SET status = 'failed', failure = 'revoked', settled_at = ?2
         WHERE status = 'exchanging' AND id IN (
             SELECT authorization_id FROM attempts
             WHERE grant_id = ?1 AND closed_at IS NULL AND sent_at IS NULL AND authorization_id IS NOT NULL)",
        "UPDATE attempts SET closed_at = ?2, conclusion = 'revoked'
         WHERE grant_id = ?1 AND closed_at IS NULL AND sent_at IS NULL",
    ] {
        sqlx::query(sql)
            .bind(grant.as_bytes().as_slice())
            .bind_time(at)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn revoked_since(
    connection: &mut SqliteConnection,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<GrantKey>, StoreError> {
    sqlx::query("SELECT tenant, provider, user_id, account FROM grants WHERE revoked_at >= ?1 LIMIT ?2")
        .bind_time(since)
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(failed)?
        .iter()
        .map(Columns::key)
        .collect()
}
