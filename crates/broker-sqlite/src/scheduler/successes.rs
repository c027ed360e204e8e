//! When providers last answered with tokens.

use broker_core::ports::StoreError;
use broker_core::{ProviderName, Timestamp};
use sqlx::SqlitePool;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(super) async fn note(
    pool: &SqlitePool,
    successes: &[(ProviderName, Timestamp)],
) -> Result<(), StoreError> {
    for (provider, at) in successes {
        sqlx::query(
            "INSERT INTO provider_successes (provider, succeeded_at) VALUES (?1, ?2)
             ON CONFLICT (provider) DO UPDATE SET succeeded_at = max(succeeded_at, excluded.succeeded_at)",
        )
        .bind(provider.as_str())
        .bind_time(*at)
        .execute(pool)
        .await
        .map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn read(pool: &SqlitePool) -> Result<Vec<(ProviderName, Timestamp)>, StoreError> {
    sqlx::query("SELECT provider, succeeded_at FROM provider_successes ORDER BY provider")
        .fetch_all(pool)
        .await
        .map_err(failed)?
        .iter()
        .map(|row| Ok((row.name("provider", ProviderName::new)?, row.time("succeeded_at")?)))
        .collect()
}
