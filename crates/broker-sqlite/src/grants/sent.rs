//! SENT: durable before the first byte of a request is written.

use broker_core::ports::{SentMark, SentOutcome, StoreError};
use broker_core::{Attempt, AttemptKind, Timestamp};
use sqlx::SqliteConnection;

use super::attempts;
use crate::columns::BindDomain;
use crate::operation::failed;

/// Anything but [`SentOutcome::Marked`] means: change nothing, send nothing.
pub(crate) async fn mark(
    connection: &mut SqliteConnection,
    mark: &SentMark,
) -> Result<SentOutcome, StoreError> {
    let SentMark { attempt, at, .. } = mark;
    if !mark_attempt(connection, attempt, *at).await? {
        return Ok(SentOutcome::Overtaken);
    }
    if attempt.kind == AttemptKind::Refresh && !mark_grant(connection, attempt, *at).await? {
        return Ok(SentOutcome::Overtaken);
    }
    match grace_is_over(connection, mark).await? {
        true => Ok(SentOutcome::GraceOver),
        false => Ok(SentOutcome::Marked),
    }
}

/// Counted from the first time the token was sent, by whichever attempt; the mark just made is among them.
async fn grace_is_over(connection: &mut SqliteConnection, mark: &SentMark) -> Result<bool, StoreError> {
    let Some(grace) = mark.replay_within else { return Ok(false) };
    let Attempt { lineage, generation, .. } = mark.attempt;
    let sent = attempts::times_sent(connection, mark.attempt.grant_id(), lineage, generation).await?;
    Ok(sent.is_some_and(|sent| mark.at > sent.first + grace))
}

async fn mark_attempt(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let marked = sqlx::query(
        "UPDATE attempts SET sent_at = ?6
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND id = ?5
           AND closed_at IS NULL AND sent_at IS NULL",
    )
    .bind_key(&attempt.key)
    .bind(attempt.id.as_bytes().as_slice())
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(marked.rows_affected() == 1)
}

/// The grant must still be where the attempt found it: a refresh token that has a successor is never sent.
async fn mark_grant(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let marked = sqlx::query(
        "UPDATE grants SET phase = 'sent', updated_at = ?7
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND lineage = ?5 AND generation = ?6 AND lifecycle = 'active'",
    )
    .bind_key(&attempt.key)
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind_generation(attempt.generation)
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(marked.rows_affected() == 1)
}
