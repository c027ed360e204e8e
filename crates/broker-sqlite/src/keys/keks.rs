//! Key encryption keys, by name.

use broker_core::Timestamp;
use broker_core::ports::{KnownKek, StoreError, records};
use broker_crypto::KekId;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(super) async fn note_primaries(
    connection: &mut SqliteConnection,
    ids: &[KekId],
    at: Timestamp,
) -> Result<(), StoreError> {
    let names: Vec<&str> = ids.iter().map(KekId::as_str).collect();
    sqlx::query(
        "UPDATE key_encryption_keys SET superseded_at = ?1
         WHERE superseded_at IS NULL AND instr(?2, ' ' || id || ' ') = 0",
    )
    .bind_time(at)
    // No name has a space in it.
    .bind(format!(" {} ", names.join(" ")))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    for id in ids {
        let became = sqlx::query(
            "INSERT INTO key_encryption_keys (id, created_at) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET superseded_at = NULL, retired_at = NULL WHERE superseded_at IS NOT NULL",
        )
        .bind(id.as_str())
        .bind_time(at)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
        if became.rows_affected() == 1 {
            audit::write(connection, &records::primary_kek_changed(id, at)).await?;
        }
    }
    Ok(())
}

pub(super) async fn known(pool: &SqlitePool) -> Result<Vec<KnownKek>, StoreError> {
    sqlx::query("SELECT id, created_at, superseded_at, retired_at FROM key_encryption_keys ORDER BY id")
        .fetch_all(pool)
        .await
        .map_err(failed)?
        .iter()
        .map(from_row)
        .collect()
}

pub(super) async fn wrapped_under(pool: &SqlitePool, id: &KekId) -> Result<u64, StoreError> {
    sqlx::query(
        "SELECT (SELECT count(*) FROM data_keys WHERE wrapping_key = ?1)
              + (SELECT count(*) FROM audit_keys WHERE wrapping_key = ?1) AS wrapped",
    )
    .bind(id.as_str())
    .fetch_one(pool)
    .await
    .map_err(failed)?
    .number("wrapped")
}

pub(super) async fn retire(
    connection: &mut SqliteConnection,
    id: &KekId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let retired = sqlx::query(
        "UPDATE key_encryption_keys SET retired_at = ?2
         WHERE id = ?1 AND superseded_at IS NOT NULL AND retired_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM data_keys WHERE wrapping_key = ?1)
           AND NOT EXISTS (SELECT 1 FROM audit_keys WHERE wrapping_key = ?1)",
    )
    .bind(id.as_str())
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(retired.rows_affected() == 1)
}

fn from_row(row: &SqliteRow) -> Result<KnownKek, StoreError> {
    Ok(KnownKek {
        id: row.word("id", KekId::new)?,
        created_at: row.time("created_at")?,
        superseded_at: row.optional_time("superseded_at")?,
        retired_at: row.optional_time("retired_at")?,
    })
}
