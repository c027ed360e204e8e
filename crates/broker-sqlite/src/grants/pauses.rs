//! Pauses of a client registration that the provider refuses, and the canaries that end them.

use broker_core::ports::{RefreshClaim, StoreError};
use broker_core::{Attempt, Grant, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Begins or renews the pause of the attempt's registration.
pub(crate) async fn pause(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    until: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO registration_pauses (tenant, provider, registration, canary_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant, provider, registration) DO UPDATE SET canary_at = excluded.canary_at",
    )
    .bind(attempt.key.tenant.as_str())
    .bind(attempt.key.provider.as_str())
    .bind(attempt.registration.as_str())
    .bind_time(until)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// The registration works: whatever its pause was for is over.
pub(crate) async fn end(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM registration_pauses WHERE tenant = ?1 AND provider = ?2 AND registration = ?3")
        .bind(attempt.key.tenant.as_str())
        .bind(attempt.key.provider.as_str())
        .bind(attempt.registration.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Until when the grant's registration is paused, if it is. Once the time has come this very claim is the canary, and
/// the pause goes on for every other one.
pub(crate) async fn paused_until(
    connection: &mut SqliteConnection,
    claim: &RefreshClaim,
    grant: &Grant,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(canary_at) = canary_at(connection, grant).await? else { return Ok(None) };
    if canary_at > claim.at {
        return Ok(Some(canary_at));
    }
    move_on(connection, claim, grant).await?;
    Ok(None)
}

async fn canary_at(
    connection: &mut SqliteConnection,
    grant: &Grant,
) -> Result<Option<Timestamp>, StoreError> {
    sqlx::query(
        "SELECT canary_at FROM registration_pauses WHERE tenant = ?1 AND provider = ?2 AND registration = ?3",
    )
    .bind(grant.key.tenant.as_str())
    .bind(grant.key.provider.as_str())
    .bind(grant.registration.as_str())
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .map(|row| row.time("canary_at"))
    .transpose()
}

async fn move_on(
    connection: &mut SqliteConnection,
    claim: &RefreshClaim,
    grant: &Grant,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE registration_pauses SET canary_at = ?4
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3",
    )
    .bind(grant.key.tenant.as_str())
    .bind(grant.key.provider.as_str())
    .bind(grant.registration.as_str())
    .bind_time(claim.canary_until)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
