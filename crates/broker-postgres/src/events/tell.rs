//! Telling of what no trigger sees with its time.

use broker_core::ports::StoreError;
use broker_core::{EventType, GrantId, ProviderName, Timestamp};
use sqlx::PgConnection;

use crate::columns::uuid;
use crate::operation::failed;

/// A breaker opened or closed.
pub(crate) async fn of_provider(
    connection: &mut PgConnection,
    told: EventType,
    provider: &ProviderName,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO event_inbox (type, at, tenant, provider) VALUES ($1, $2, '', $3)",
        told.as_str(),
        at.as_unix_micros(),
        provider.as_str(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// A grant will die: in the transaction that marks the notice as given.
pub(crate) async fn of_end(
    connection: &mut PgConnection,
    grant: GrantId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!("SELECT tell_of_end($1, $2)", uuid(grant.as_bytes()), at.as_unix_micros())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
