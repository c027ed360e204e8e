//! What providers answered badly, and the breakers that opened over it.

use broker_core::ports::{BadAnswers, OpenBreaker, StoreError, records};
use broker_core::{AuditRecord, EventType, ProviderName, Timestamp};
use sqlx::PgPool;

use crate::columns::{name, number};
use crate::operation::failed;
use crate::{audit, events};

/// The bad ones come from an index of their own: it holds a day's worth where all attempts would be a million.
pub(super) async fn bad_answers(
    pool: &PgPool,
    provider: &ProviderName,
    recent: Timestamp,
    long_ago: Timestamp,
) -> Result<BadAnswers, StoreError> {
    let counted = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE conclusion = 'dead_token' AND closed_at >= $2) AS "dead_tokens!",
                  count(DISTINCT tenant) FILTER (WHERE conclusion = 'dead_token' AND closed_at >= $2) AS "tenants!",
                  count(*) FILTER (WHERE conclusion = 'dead_token' AND closed_at >= $3) AS "dead_tokens_before!",
                  count(*) FILTER (WHERE conclusion = 'unreadable' AND closed_at >= $2) AS "unreadable!",
                  (SELECT count(*) FROM attempts a WHERE a.closed_at >= $2 AND a.provider = $1) AS "attempts!"
           FROM attempts
           WHERE provider = $1 AND conclusion IN ('dead_token', 'unreadable')
             AND closed_at >= least($2::bigint, $3::bigint)"#,
        provider.as_str(),
        recent.as_unix_micros(),
        long_ago.as_unix_micros(),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    Ok(BadAnswers {
        dead_tokens: counted.dead_tokens.unsigned_abs(),
        tenants: counted.tenants.unsigned_abs(),
        dead_tokens_before: counted.dead_tokens_before.unsigned_abs(),
        unreadable: counted.unreadable.unsigned_abs(),
        attempts: counted.attempts.unsigned_abs(),
    })
}

/// A row that was inserted, not updated, has no `xmax`: the breaker opened.
pub(super) async fn note_bad_answer(
    pool: &PgPool,
    provider: &ProviderName,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let opened = sqlx::query_scalar!(
        r#"INSERT INTO provider_breakers AS b (provider, opened_at, last_bad_at, suspects_refreshed)
         VALUES ($1, $2, $2, 0)
         ON CONFLICT (provider) DO UPDATE SET last_bad_at = greatest(b.last_bad_at, excluded.last_bad_at)
         RETURNING xmax = 0 AS "opened!""#,
        provider.as_str(),
        at.as_unix_micros(),
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    if opened {
        audit::write(&mut tx, &records::breaker_opened(provider, at)).await?;
        events::tell::of_provider(&mut tx, EventType::ProviderDegraded, provider, at).await?;
    }
    tx.commit().await.map_err(failed)
}

pub(super) async fn note_suspect_refreshed(pool: &PgPool, provider: &ProviderName) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE provider_breakers SET suspects_refreshed = suspects_refreshed + 1 WHERE provider = $1",
        provider.as_str(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn close(
    pool: &PgPool,
    provider: &ProviderName,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let closed = sqlx::query!("DELETE FROM provider_breakers WHERE provider = $1", provider.as_str())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    let closed = closed.rows_affected() == 1;
    if closed {
        audit::write(&mut tx, record).await?;
        events::tell::of_provider(&mut tx, EventType::ProviderRecovered, provider, record.at).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(closed)
}

pub(super) async fn open(pool: &PgPool) -> Result<Vec<OpenBreaker>, StoreError> {
    let rows = sqlx::query!(
        "SELECT provider, opened_at, last_bad_at, suspects_refreshed FROM provider_breakers ORDER BY provider"
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| {
            Ok(OpenBreaker {
                provider: name(row.provider, ProviderName::new, "provider")?,
                opened_at: Timestamp::from_unix_micros(row.opened_at),
                last_bad_at: Timestamp::from_unix_micros(row.last_bad_at),
                suspects_refreshed: number(row.suspects_refreshed, "suspects_refreshed")?,
            })
        })
        .collect()
}
