//! What providers answered badly, and the breakers that opened over it.

use broker_core::ports::{BadAnswers, OpenBreaker, StoreError, records};
use broker_core::{EventType, ProviderName, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::events::tell;
use crate::operation::failed;

/// The bad ones come from an index of their own. It holds a day's worth where all attempts would be a million.
const COUNT: &str =
    "SELECT count(*) FILTER (WHERE conclusion = 'dead_token' AND closed_at >= ?2) AS dead_tokens,
            count(DISTINCT tenant) FILTER (WHERE conclusion = 'dead_token' AND closed_at >= ?2) AS tenants,
            count(*) FILTER (WHERE conclusion = 'dead_token') AS dead_tokens_before,
            count(*) FILTER (WHERE conclusion = 'unreadable' AND closed_at >= ?2) AS unreadable,
            (SELECT count(*) FROM attempts WHERE closed_at >= ?2 AND provider = ?1) AS attempts
     FROM attempts
     WHERE provider = ?1 AND conclusion IN ('dead_token', 'unreadable') AND closed_at >= min(?2, ?3)";

pub(super) async fn bad_answers(
    pool: &SqlitePool,
    provider: &ProviderName,
    recent: Timestamp,
    long_ago: Timestamp,
) -> Result<BadAnswers, StoreError> {
    let row = sqlx::query(COUNT)
        .bind(provider.as_str())
        .bind_time(recent)
        .bind_time(long_ago)
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    Ok(BadAnswers {
        dead_tokens: row.number("dead_tokens")?,
        tenants: row.number("tenants")?,
        dead_tokens_before: row.number("dead_tokens_before")?,
        unreadable: row.number("unreadable")?,
        attempts: row.number("attempts")?,
    })
}

pub(super) async fn note_bad_answer(
    connection: &mut SqliteConnection,
    provider: &ProviderName,
    at: Timestamp,
) -> Result<(), StoreError> {
    let noted =
        sqlx::query("UPDATE provider_breakers SET last_bad_at = max(last_bad_at, ?2) WHERE provider = ?1")
            .bind(provider.as_str())
            .bind_time(at)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    match noted.rows_affected() {
        0 => open_now(connection, provider, at).await,
        _ => Ok(()),
    }
}

async fn open_now(
    connection: &mut SqliteConnection,
    provider: &ProviderName,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO provider_breakers (provider, opened_at, last_bad_at, suspects_refreshed)
         VALUES (?1, ?2, ?2, 0)",
    )
    .bind(provider.as_str())
    .bind_time(at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    audit::write(connection, &records::breaker_opened(provider, at)).await?;
    tell::of_provider(connection, EventType::ProviderDegraded, provider, at).await
}

pub(super) async fn note_suspect_refreshed(
    pool: &SqlitePool,
    provider: &ProviderName,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE provider_breakers SET suspects_refreshed = suspects_refreshed + 1 WHERE provider = ?1",
    )
    .bind(provider.as_str())
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn close(
    connection: &mut SqliteConnection,
    provider: &ProviderName,
) -> Result<bool, StoreError> {
    let closed = sqlx::query("DELETE FROM provider_breakers WHERE provider = ?1")
        .bind(provider.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(closed.rows_affected() == 1)
}

pub(super) async fn open(pool: &SqlitePool) -> Result<Vec<OpenBreaker>, StoreError> {
    sqlx::query(
        "SELECT provider, opened_at, last_bad_at, suspects_refreshed FROM provider_breakers ORDER BY provider",
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

fn from_row(row: &SqliteRow) -> Result<OpenBreaker, StoreError> {
    Ok(OpenBreaker {
        provider: row.name("provider", ProviderName::new)?,
        opened_at: row.time("opened_at")?,
        last_bad_at: row.time("last_bad_at")?,
        suspects_refreshed: row.number("suspects_refreshed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plan_of;

    #[tokio::test]
    async fn only_bad_answers_and_the_last_minutes_are_counted() {
        let plan = plan_of(COUNT).await;
        for index in
            ["attempts_bad (provider=? AND conclusion=? AND closed_at>?)", "attempts_closed (closed_at>?)"]
        {
            assert!(plan.iter().any(|step| step.contains(index)), "{index}: {plan:#?}");
        }
    }
}
