//! Answers that could not be read when they came.

use broker_core::Attempt;
use broker_core::ports::{EscrowRecord, StoreError};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::attempts::{self, attempt_columns};
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Keeps an answer with the attempt it answers.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    answer: &EscrowRecord,
) -> Result<(), StoreError> {
    if answer.attempt.id != attempt.id {
        return Err(StoreError::Inconsistent("an unread answer is not the one of its attempt"));
    }
    sqlx::query("INSERT INTO unread_answers (attempt_id, status, received_at, body) VALUES (?1, ?2, ?3, ?4)")
        .bind(attempt.id.as_bytes().as_slice())
        .bind(answer.status)
        .bind_time(answer.received_at)
        .bind(answer.body.as_bytes())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// The oldest answers of attempts that were not adopted.
pub(crate) async fn read(
    connection: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<EscrowRecord>, StoreError> {
    sqlx::query(concat!(
        "SELECT ",
        attempt_columns!(),
        ", u.status, u.received_at, u.body
         FROM unread_answers u JOIN attempts a ON a.id = u.attempt_id
         WHERE a.adopted_generation IS NULL ORDER BY u.received_at, u.attempt_id LIMIT ?1"
    ))
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

fn from_row(row: &SqliteRow) -> Result<EscrowRecord, StoreError> {
    Ok(EscrowRecord {
        attempt: attempts::from_row(row)?,
        status: row.number("status")?,
        received_at: row.time("received_at")?,
        body: row.sealed("body")?,
    })
}
