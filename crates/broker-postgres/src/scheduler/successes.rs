//! When providers last answered with tokens.

use broker_core::ports::StoreError;
use broker_core::{ProviderName, Timestamp};
use sqlx::PgPool;

use crate::columns::name;
use crate::operation::failed;

pub(super) async fn note(pool: &PgPool, successes: &[(ProviderName, Timestamp)]) -> Result<(), StoreError> {
    if successes.is_empty() {
        return Ok(());
    }
    let providers: Vec<String> = successes.iter().map(|(provider, _)| provider.to_string()).collect();
    let times: Vec<i64> = successes.iter().map(|(_, at)| at.as_unix_micros()).collect();
    sqlx::query!(
        "INSERT INTO provider_successes AS s (provider, succeeded_at)
         SELECT n.provider, n.at FROM unnest($1::text[], $2::bigint[]) AS n (provider, at) ORDER BY n.provider
         ON CONFLICT (provider) DO UPDATE SET succeeded_at = greatest(s.succeeded_at, excluded.succeeded_at)",
        &providers,
        &times,
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn read(pool: &PgPool) -> Result<Vec<(ProviderName, Timestamp)>, StoreError> {
    let rows = sqlx::query!("SELECT provider, succeeded_at FROM provider_successes ORDER BY provider")
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    rows.into_iter()
        .map(|row| {
            let provider = name(row.provider, ProviderName::new, "provider")?;
            Ok((provider, Timestamp::from_unix_micros(row.succeeded_at)))
        })
        .collect()
}
