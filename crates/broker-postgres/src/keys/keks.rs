//! Key encryption keys, by name.

use broker_core::ports::{KnownKek, StoreError, records};
use broker_core::{AuditRecord, Timestamp};
use broker_crypto::KekId;
use sqlx::PgPool;

use crate::audit;
use crate::columns::{time, word};
use crate::operation::failed;

pub(super) async fn note_primaries(pool: &PgPool, ids: &[KekId], at: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    let mut tx = pool.begin().await.map_err(failed)?;
    let became = sqlx::query_scalar!(
        "WITH superseded AS (
             UPDATE key_encryption_keys SET superseded_at = $2 WHERE id <> ALL ($1) AND superseded_at IS NULL
         )
         INSERT INTO key_encryption_keys AS k (id, created_at) SELECT id, $2 FROM unnest($1::text[]) AS id
         ON CONFLICT (id) DO UPDATE SET superseded_at = NULL, retired_at = NULL WHERE k.superseded_at IS NOT NULL
         RETURNING id",
        &ids,
        at.as_unix_micros(),
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    for id in became {
        let id = word(&id, KekId::new, "id")?;
        audit::write(&mut tx, &records::primary_kek_changed(&id, at)).await?;
    }
    tx.commit().await.map_err(failed)
}

pub(super) async fn known(pool: &PgPool) -> Result<Vec<KnownKek>, StoreError> {
    let rows =
        sqlx::query!("SELECT id, created_at, superseded_at, retired_at FROM key_encryption_keys ORDER BY id")
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    let known = rows.into_iter().map(|row| {
        Ok(KnownKek {
            id: word(&row.id, KekId::new, "id")?,
            created_at: Timestamp::from_unix_micros(row.created_at),
            superseded_at: time(row.superseded_at),
            retired_at: time(row.retired_at),
        })
    });
    known.collect()
}

pub(super) async fn wrapped_under(pool: &PgPool, id: &KekId) -> Result<u64, StoreError> {
    let wrapped = sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM data_keys WHERE wrapping_key = $1)
                + (SELECT count(*) FROM audit_keys WHERE wrapping_key = $1) AS "wrapped!""#,
        id.as_str()
    );
    Ok(wrapped.fetch_one(pool).await.map_err(failed)?.unsigned_abs())
}

pub(super) async fn retire(
    pool: &PgPool,
    id: &KekId,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let retired = sqlx::query!(
        "UPDATE key_encryption_keys SET retired_at = $2
         WHERE id = $1 AND superseded_at IS NOT NULL AND retired_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM data_keys WHERE wrapping_key = $1)
           AND NOT EXISTS (SELECT 1 FROM audit_keys WHERE wrapping_key = $1)",
        id.as_str(),
        at.as_unix_micros(),
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    let retired = retired.rows_affected() == 1;
    if retired {
        audit::write(&mut tx, record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(retired)
}
