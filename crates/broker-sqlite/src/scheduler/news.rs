//! News of registrations that providers refuse, or accept again: each is told once.

use broker_core::ports::{RegistrationKey, RegistrationNews, StoreError};
use broker_core::{ProviderName, RegistrationId, TenantId};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::Columns;
use crate::operation::failed;

pub(super) async fn is_there(pool: &SqlitePool) -> Result<bool, StoreError> {
    sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM registration_pauses WHERE NOT told OR ended_at IS NOT NULL) AS any",
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?
    .flag("any")
}

/// What was refused and works again before anybody was told of either is told of both.
pub(super) async fn take(connection: &mut SqliteConnection) -> Result<RegistrationNews, StoreError> {
    let rejected = keys(
        connection,
        "UPDATE registration_pauses SET told = TRUE WHERE NOT told RETURNING tenant, provider, registration",
    );
    let rejected = rejected.await?;
    let recovered = keys(
        connection,
        "DELETE FROM registration_pauses WHERE ended_at IS NOT NULL RETURNING tenant, provider, registration",
    );
    let recovered = recovered.await?;
    Ok(RegistrationNews { rejected, recovered, standing: standing(connection).await? })
}

pub(super) async fn standing(
    connection: &mut SqliteConnection,
) -> Result<Vec<(ProviderName, u64)>, StoreError> {
    sqlx::query(
        "SELECT provider, count(*) AS refused FROM registration_pauses WHERE ended_at IS NULL
         GROUP BY provider ORDER BY provider",
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(|row| Ok((row.name("provider", ProviderName::new)?, row.number("refused")?)))
    .collect()
}

async fn keys(
    connection: &mut SqliteConnection,
    statement: &'static str,
) -> Result<Vec<RegistrationKey>, StoreError> {
    sqlx::query(statement).fetch_all(connection).await.map_err(failed)?.iter().map(key).collect()
}

fn key(row: &SqliteRow) -> Result<RegistrationKey, StoreError> {
    Ok(RegistrationKey {
        tenant: row.name("tenant", TenantId::new)?,
        provider: row.name("provider", ProviderName::new)?,
        id: row.name("registration", RegistrationId::new)?,
    })
}
