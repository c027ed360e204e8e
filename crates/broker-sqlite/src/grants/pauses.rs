//! The canaries of a client registration that the provider refuses, and the end of its pause.

use broker_core::ports::{RefreshClaim, RegistrationKey, StoreError, records};
use broker_core::{Attempt, AuditAction, EventType, Grant, Timestamp};
use sqlx::SqliteConnection;

use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::events::tell;
use crate::operation::failed;

/// The registration works: whatever its pause was for is over.
pub(crate) async fn end(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<(), StoreError> {
    let key = registration_of(attempt);
    let ended = sqlx::query(
        "UPDATE registration_pauses SET ended_at = ?4
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND ended_at IS NULL",
    )
    .bind_registration(&key)
    .bind_time(at)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    match ended.rows_affected() {
        0 => Ok(()),
        _ => {
            let recovered = records::registration(AuditAction::RECOVER_REGISTRATION, &key, at);
            audit::write(connection, &recovered).await?;
            tell::of_registration(connection, EventType::RegistrationRecovered, &key, at).await
        }
    }
}

pub(super) fn registration_of(attempt: &Attempt) -> RegistrationKey {
    let (tenant, provider) = (attempt.key.tenant.clone(), attempt.key.provider.clone());
    RegistrationKey { tenant, provider, id: attempt.registration.clone() }
}

fn pinned_to(grant: &Grant) -> RegistrationKey {
    let (tenant, provider) = (grant.key.tenant.clone(), grant.key.provider.clone());
    RegistrationKey { tenant, provider, id: grant.registration.clone() }
}

/// Until when the grant's registration is paused, if it is. Once the time has come this very claim is the canary, and
/// the pause goes on for every other one.
pub(crate) async fn paused_until(
    connection: &mut SqliteConnection,
    claim: &RefreshClaim,
    grant: &Grant,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(canary_at) = canary_at(connection, &pinned_to(grant)).await? else { return Ok(None) };
    if canary_at > claim.at {
        return Ok(Some(canary_at));
    }
    move_on(connection, claim, grant).await?;
    Ok(None)
}

/// `None`: the registration is not paused.
pub(super) async fn canary_at(
    connection: &mut SqliteConnection,
    key: &RegistrationKey,
) -> Result<Option<Timestamp>, StoreError> {
    sqlx::query(
        "SELECT canary_at FROM registration_pauses
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND ended_at IS NULL",
    )
    .bind_registration(key)
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
    .bind_registration(&pinned_to(grant))
    .bind_time(claim.canary_until)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
