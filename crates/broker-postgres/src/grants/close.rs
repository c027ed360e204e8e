//! Closing an attempt that brought no tokens.

use broker_core::Timestamp;
use broker_core::ports::{AttemptEnd, EscrowRecord, StoreError};
use sqlx::PgExecutor;

use super::attempts::authorization_of;
use super::rows::lifecycle_words;
use crate::columns::{foreign_text, kept, micros, number, uuid};
use crate::operation::failed;

pub(crate) async fn close(executor: impl PgExecutor<'_>, end: &AttemptEnd) -> Result<bool, StoreError> {
    let AttemptEnd { attempt, unread, .. } = end;
    if unread.as_ref().is_some_and(|answer| answer.attempt.id != attempt.id) {
        return Err(StoreError::Inconsistent("an unread answer is not the one of its attempt"));
    }
    let after = end.grant.as_ref();
    let words = after.map(|after| lifecycle_words(after.lifecycle));
    let failure = after.and_then(|after| after.failure.as_ref());
    let refused_secret =
        end.refused_secret.map(|secret| number::<i32, _>(secret.get(), "number")).transpose()?;
    sqlx::query_scalar!(
        r#"SELECT close_attempt(
               ROW($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)::attempt_end,
               ROW($16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)::grant_after,
               ROW($4, $2, $27, $28, $29)::unread_answers
           ) AS "closed!""#,
        uuid(attempt.grant_id().as_bytes()) as _,
        attempt.key.tenant.as_str() as _,
        attempt.key.provider.as_str() as _,
        uuid(attempt.id.as_bytes()) as _,
        authorization_of(attempt).map(|id| uuid(id.as_bytes())) as _,
        attempt.registration.as_str() as _,
        uuid(attempt.lineage.as_bytes()) as _,
        kept(attempt.generation) as _,
        end.conclusion as _,
        end.authorization_failure as _,
        end.provably_unsent as _,
        micros(end.pause_registration_until) as _,
        refused_secret as _,
        end.reopens_authorization as _,
        end.at.as_unix_micros() as _,
        words.map(|(lifecycle, _)| lifecycle) as _,
        words.and_then(|(_, cause)| cause) as _,
        after.map(|after| after.phase.as_str()) as _,
        after.map(|after| after.tainted) as _,
        after.and_then(|after| micros(after.due_at)) as _,
        failure.map(|failure| failure.kind.as_str()) as _,
        failure.map(|failure| failure.at.as_unix_micros()) as _,
        failure.map(|failure| failure.since.as_unix_micros()) as _,
        failure.map(|failure| i64::from(failure.in_a_row)) as _,
        failure.and_then(|failure| failure.oauth_error.as_deref()).map(foreign_text) as _,
        failure.and_then(|failure| failure.http_status).map(i32::from) as _,
        unread.as_ref().map(|answer| i32::from(answer.status)) as _,
        unread.as_ref().map(received_at) as _,
        unread.as_ref().map(|answer| answer.body.as_bytes()) as _,
    )
    .fetch_one(executor)
    .await
    .map_err(failed)
}

fn received_at(answer: &EscrowRecord) -> i64 {
    Timestamp::as_unix_micros(answer.received_at)
}
