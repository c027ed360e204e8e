//! Closing an attempt that brought no tokens.

use broker_core::ports::{AttemptEnd, GrantAfter, StoreError};
use broker_core::{Attempt, AuthorizationId, LastFailure, Timestamp};
use sqlx::SqliteConnection;

use super::rows::lifecycle_words;
use super::{attempts, giving_up, refusals, unread};
use crate::columns::BindDomain;
use crate::operation::failed;

pub(crate) async fn close(connection: &mut SqliteConnection, end: &AttemptEnd) -> Result<bool, StoreError> {
    if !close_row(connection, &end.attempt, end.conclusion, end.at).await? {
        return Ok(false);
    }
    if end.provably_unsent {
        take_back_sent(connection, &end.attempt).await?;
    }
    if let Some(answer) = &end.unread {
        unread::keep(connection, &end.attempt, answer).await?;
    }
    refusals::refuse_client(connection, end).await?;
    if let Some(after) = &end.grant {
        leave_behind(connection, &end.attempt, after, end.at).await?;
    }
    let Some(id) = attempts::authorization_of(&end.attempt) else { return Ok(true) };
    if let Some(failure) = end.authorization_failure {
        fail_authorization(connection, &end.attempt, id, failure, end.at).await?;
    }
    if end.reopens_authorization {
        reopen_authorization(connection, &end.attempt, id).await?;
    }
    Ok(true)
}

/// The code was not looked at: it may be shown once more, under an attempt of its own.
async fn reopen_authorization(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    id: AuthorizationId,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE authorizations SET status = 'pending' WHERE tenant = ?1 AND id = ?2 AND status = 'exchanging'",
    )
    .bind(attempt.key.tenant.as_str())
    .bind(id.as_bytes().as_slice())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn take_back_sent(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET sent_at = NULL
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND id = ?5",
    )
    .bind_key(&attempt.key)
    .bind(attempt.id.as_bytes().as_slice())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Closes the attempt's row. `false`: it is not open, or not there.
pub(crate) async fn close_row(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    conclusion: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let closed = sqlx::query(
        "UPDATE attempts SET closed_at = ?6, conclusion = ?7
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND id = ?5
           AND closed_at IS NULL",
    )
    .bind_key(&attempt.key)
    .bind(attempt.id.as_bytes().as_slice())
    .bind_time(at)
    .bind(conclusion)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(closed.rows_affected() == 1)
}

/// Marks an exchange's authorization, unless it was settled otherwise.
pub(crate) async fn fail_authorization(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    id: AuthorizationId,
    failure: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE authorizations SET status = 'failed', failure = ?3, settled_at = ?4
         WHERE tenant = ?1 AND id = ?2 AND status = 'exchanging'",
    )
    .bind(attempt.key.tenant.as_str())
    .bind(id.as_bytes().as_slice())
    .bind(failure)
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Touches the grant only where the attempt found it: a later token set or another lineage owes nothing to an
/// attempt that came before. A revoked grant stays so. The taint is kept if it was there, the failure if there is no new one.
async fn leave_behind(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    after: &GrantAfter,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (lifecycle, cause) = lifecycle_words(after.lifecycle);
    let given_up = giving_up::is_news(connection, attempt, after).await?;
    let left = sqlx::query(
        "UPDATE grants
         SET lifecycle = ?7, consent_cause = ?8, phase = ?9, tainted = max(tainted, ?10), due_at = ?11,
             updated_at = ?12
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND lineage = ?5 AND generation = ?6 AND lifecycle NOT IN ('revoking', 'revoked')",
    )
    .bind_key(&attempt.key)
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind_generation(attempt.generation)
    .bind(lifecycle)
    .bind(cause)
    .bind(after.phase.as_str())
    .bind(after.tainted)
    .bind_optional_time(after.due_at)
    .bind_time(at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if given_up && left.rows_affected() == 1 {
        giving_up::record(connection, attempt, after, at).await?;
    }
    match &after.failure {
        None => Ok(()),
        Some(failure) => keep_failure(connection, attempt, failure).await,
    }
}

async fn keep_failure(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    failure: &LastFailure,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE grants
         SET failure_kind = ?7, failure_at = ?8, failure_oauth_error = ?9, failure_http_status = ?10,
             failure_in_a_row = ?11, failure_since = ?12
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND lineage = ?5 AND generation = ?6 AND lifecycle NOT IN ('revoking', 'revoked')",
    )
    .bind_key(&attempt.key)
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind_generation(attempt.generation)
    .bind(failure.kind.as_str())
    .bind_time(failure.at)
    .bind(failure.oauth_error.as_deref())
    .bind(failure.http_status)
    .bind(failure.in_a_row)
    .bind_time(failure.since)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
