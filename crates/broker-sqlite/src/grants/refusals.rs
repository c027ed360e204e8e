//! What the refusal of a client leaves of its registration.

use broker_core::ports::{AttemptEnd, RegistrationKey, StoreError, records};
use broker_core::{AuditAction, EventType, SecretId, Timestamp};
use sqlx::SqliteConnection;

use super::pauses::{canary_at, registration_of};
use crate::audit;
use crate::columns::BindDomain;
use crate::events::tell;
use crate::operation::failed;

/// The secret steps back behind those that were not refused. The registration rests, or another secret is tried at once,
/// and then a rest there is lets that claim pass.
pub(super) async fn refuse_client(
    connection: &mut SqliteConnection,
    end: &AttemptEnd,
) -> Result<(), StoreError> {
    if let Some(secret) = end.refused_secret {
        step_back(connection, end, secret).await?;
    }
    match (end.pause_registration_until, end.refused_secret) {
        (Some(until), _) => pause(connection, end, until).await,
        (None, Some(_)) => let_pass(connection, end).await,
        (None, None) => Ok(()),
    }
}

async fn step_back(
    connection: &mut SqliteConnection,
    end: &AttemptEnd,
    secret: SecretId,
) -> Result<(), StoreError> {
    let key = registration_of(&end.attempt);
    let accepted_before = is_accepted(connection, &key, secret).await?;
    sqlx::query(
        "UPDATE client_secrets SET refused_at = ?5
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND number = ?4",
    )
    .bind_registration(&key)
    .bind(secret.get())
    .bind_time(end.at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    match accepted_before {
        true => {
            audit::write(connection, &records::secret(AuditAction::REFUSE_SECRET, &key, secret, end.at)).await
        }
        false => Ok(()),
    }
}

/// Whether the secret is there and not refused.
async fn is_accepted(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
    secret: SecretId,
) -> Result<bool, StoreError> {
    let accepted = sqlx::query(
        "SELECT 1 FROM client_secrets
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND number = ?4 AND refused_at IS NULL",
    )
    .bind_registration(key)
    .bind(secret.get())
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(accepted.is_some())
}

/// Begins or renews the pause.
async fn pause(
    connection: &mut SqliteConnection,
    end: &AttemptEnd,
    until: Timestamp,
) -> Result<(), StoreError> {
    let key = registration_of(&end.attempt);
    let paused_before = canary_at(connection, &key).await?.is_some();
    sqlx::query(
        "INSERT INTO registration_pauses (tenant, provider, registration, canary_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant, provider, registration) DO UPDATE SET canary_at = excluded.canary_at, ended_at = NULL",
    )
    .bind_registration(&key)
    .bind_time(until)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    match paused_before {
        true => Ok(()),
        false => {
            let began = records::registration(AuditAction::PAUSE_REGISTRATION, &key, end.at);
            audit::write(connection, &began).await?;
            tell::of_registration(connection, EventType::RegistrationRejected, &key, end.at).await
        }
    }
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
