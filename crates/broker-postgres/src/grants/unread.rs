//! Answers that could not be read when they came.

use broker_core::Timestamp;
use broker_core::ports::{EscrowRecord, StoreError};
use broker_crypto::Sealed;
use sqlx::PgPool;

use super::attempts::attempt_row;
use crate::columns::number;
use crate::operation::failed;

/// The oldest answers of attempts that were not adopted.
pub(crate) async fn read(pool: &PgPool, limit: u32) -> Result<Vec<EscrowRecord>, StoreError> {
    let rows = sqlx::query!(
        "SELECT a.id, a.tenant, a.provider, a.user_id, a.account, a.authorization_id, a.registration, a.lineage,
                a.generation, a.presentation_no, a.owner, a.claimed_at, a.sent_at, a.closed_at,
                u.status, u.received_at, u.body
         FROM unread_answers u JOIN attempts a ON a.id = u.attempt_id
         WHERE a.adopted_generation IS NULL ORDER BY u.received_at, u.attempt_id LIMIT $1",
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| {
            Ok(EscrowRecord {
                status: number(row.status, "status")?,
                received_at: Timestamp::from_unix_micros(row.received_at),
                body: Sealed::from_bytes(row.body.clone()),
                attempt: attempt_row!(row).attempt()?,
            })
        })
        .collect()
}
