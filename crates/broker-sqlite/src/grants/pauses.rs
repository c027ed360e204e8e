//! Pauses of a client registration that the provider refuses, and the canaries that end them.

use broker_core::ports::{AttemptEnd, RefreshClaim, RegistrationKey, StoreError};
use broker_core::{Attempt, Grant, SecretId, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// What the refusal of a client leaves of its registration: the secret steps back behind those that were not refused. The
/// registration rests, or another secret is tried at once, and then a rest there is lets that claim pass.
pub(crate) async fn refuse_client(
    connection: &mut SqliteConnection,
    end: &AttemptEnd,
) -> Result<(), StoreError> {
    if let Some(secret) = end.refused_secret {
        step_back(connection, end, secret).await?;
    }
    match (end.pause_registration_until, end.refused_secret) {
        (Some(until), _) => pause(connection, &end.attempt, until).await,
        (None, Some(_)) => let_pass(connection, end).await,
        (None, None) => Ok(()),
    }
}

async fn step_back(
    connection: &mut SqliteConnection,
    end: &AttemptEnd,
    secret: SecretId,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE client_secrets SET refused_at = ?5
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND number = ?4",
    )
    .bind_registration(&registration_of(&end.attempt))
    .bind(secret.get())
    .bind_time(end.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Begins or renews the pause.
async fn pause(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    until: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO registration_pauses (tenant, provider, registration, canary_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant, provider, registration) DO UPDATE SET canary_at = excluded.canary_at, ended_at = NULL",
    )
    .bind_registration(&registration_of(attempt))
    .bind_time(until)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn let_pass(connection: &mut SqliteConnection, end: &AttemptEnd) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE registration_pauses SET canary_at = min(canary_at, ?4)
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3",
    )
    .bind_registration(&registration_of(&end.attempt))
    .bind_time(end.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// The registration works: whatever its pause was for is over.
pub(crate) async fn end(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE registration_pauses SET ended_at = ?4
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND ended_at IS NULL",
    )
    .bind_registration(&registration_of(attempt))
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

fn registration_of(attempt: &Attempt) -> RegistrationKey {
    let (tenant, provider) = (attempt.key.tenant.clone(), attempt.key.provider.clone());
    RegistrationKey { tenant, provider, id: attempt.registration.clone() }
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
        "SELECT canary_at FROM registration_pauses
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND ended_at IS NULL",
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
