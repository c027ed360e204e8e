//! Telling of what no trigger sees with its time.

use broker_core::ports::{RegistrationKey, StoreError};
use broker_core::{EventType, GrantId, ProviderName, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::BindDomain;
use crate::operation::failed;

/// A breaker opened or closed.
pub(crate) async fn of_provider(
    connection: &mut SqliteConnection,
    told: EventType,
    provider: &ProviderName,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO events (sequence, type, at, tenant, provider) SELECT sequence + 1, ?1, ?2, '', ?3 FROM event_head",
    )
    .bind(told.as_str())
    .bind_time(at)
    .bind(provider.as_str())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// The provider refuses a registration, or accepts it again.
pub(crate) async fn of_registration(
    connection: &mut SqliteConnection,
    told: EventType,
    key: &RegistrationKey,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO events (sequence, type, at, tenant, provider, registration)
         SELECT sequence + 1, ?4, ?5, ?1, ?2, ?3 FROM event_head",
    )
    .bind_registration(key)
    .bind(told.as_str())
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// A grant will die: in the transaction that marks the notice as given.
pub(crate) async fn of_end(
    connection: &mut SqliteConnection,
    grant: GrantId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO events (sequence, type, at, tenant, provider, user_id, account, grant_id, generation, dies_at,
                             registration)
         SELECT h.sequence + 1, 'grant.expiring', ?2, g.tenant, g.provider, g.user_id, g.account, g.id, g.generation,
                g.dies_at, g.registration
         FROM event_head h, grants g WHERE g.id = ?1",
    )
    .bind(grant.as_bytes().as_slice())
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
