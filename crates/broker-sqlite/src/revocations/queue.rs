//! Revocations that wait for their provider.

use broker_core::ports::{PendingRevocation, StoreError, TakeRevocations};
use broker_core::{
    AuditAction, FailureKind, Generation, LastFailure, RegistrationId, RevocationId, RevocationOutcome,
    TenantId, Timestamp,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(super) async fn is_due(connection: &mut SqliteConnection, by: Timestamp) -> Result<bool, StoreError> {
    let due = sqlx::query("SELECT 1 FROM revocations WHERE due_at <= ?1 LIMIT 1").bind_time(by);
    Ok(due.fetch_optional(connection).await.map_err(failed)?.is_some())
}

pub(super) async fn take(
    connection: &mut SqliteConnection,
    ask: TakeRevocations,
) -> Result<Vec<PendingRevocation>, StoreError> {
    let rows = sqlx::query(
        "SELECT v.id AS revocation_id, v.registration, v.generation, v.refresh_token_generation, v.access_token,
                v.refresh_token, v.failure_kind, v.failure_at, v.failure_since, v.failure_in_a_row, g.tenant,
                g.provider, g.user_id, g.account
         FROM revocations v JOIN grants g ON g.id = v.grant_id
         WHERE v.due_at <= ?1 ORDER BY v.due_at LIMIT ?2",
    )
    .bind_time(ask.due_by)
    .bind(ask.limit)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let taken: Vec<_> = rows.iter().map(from_row).collect::<Result<_, _>>()?;
    for revocation in &taken {
        put_off(connection, revocation, None, ask.hold_until).await?;
    }
    Ok(taken)
}

fn from_row(row: &SqliteRow) -> Result<PendingRevocation, StoreError> {
    let sealed_for = row.optional_number("refresh_token_generation")?.map(Generation::new);
    Ok(PendingRevocation {
        id: row.id("revocation_id", RevocationId::from_bytes)?,
        key: row.key()?,
        registration: row.name("registration", RegistrationId::new)?,
        generation: row.generation("generation")?,
        access_token: row.sealed("access_token")?,
        refresh_token: row.optional_sealed("refresh_token")?.zip(sealed_for),
        last_failure: last_failure(row)?,
    })
}

fn last_failure(row: &SqliteRow) -> Result<Option<LastFailure>, StoreError> {
    let Some(at) = row.optional_time("failure_at")? else { return Ok(None) };
    Ok(Some(LastFailure {
        kind: row.word("failure_kind", FailureKind::from_name)?,
        at,
        // What the provider said stands with the grant, for people.
        oauth_error: None,
        http_status: None,
        in_a_row: row.number("failure_in_a_row")?,
        since: row.time("failure_since")?,
    }))
}

pub(super) async fn is_pending(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: RevocationId,
) -> Result<bool, StoreError> {
    let pending = sqlx::query("SELECT 1 FROM revocations WHERE tenant = ?1 AND id = ?2 AND ended_at IS NULL")
        .bind(tenant.as_str())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(pending.is_some())
}

/// Moves the next try, and notes the failure of this one if there was one; on the grant too, while that is revoking.
pub(super) async fn put_off(
    connection: &mut SqliteConnection,
    revocation: &PendingRevocation,
    failure: Option<&LastFailure>,
    until: Timestamp,
) -> Result<(), StoreError> {
    let moved = sqlx::query(
        "UPDATE revocations
         SET due_at = ?3, failure_kind = coalesce(?4, failure_kind), failure_at = coalesce(?5, failure_at),
             failure_since = coalesce(?6, failure_since), failure_in_a_row = coalesce(?7, failure_in_a_row)
         WHERE tenant = ?1 AND id = ?2 AND ended_at IS NULL",
    )
    .bind(revocation.key.tenant.as_str())
    .bind(revocation.id.as_bytes().as_slice())
    .bind_time(until)
    .bind(failure.map(|failure| failure.kind.as_str()))
    .bind_optional_time(failure.map(|failure| failure.at))
    .bind_optional_time(failure.map(|failure| failure.since))
    .bind(failure.map(|failure| failure.in_a_row))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    match failure {
        Some(failure) if moved.rows_affected() == 1 => note_failure(connection, revocation, failure).await,
        _ => Ok(()),
    }
}

async fn note_failure(
    connection: &mut SqliteConnection,
    revocation: &PendingRevocation,
    failure: &LastFailure,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE grants
         SET failure_kind = ?5, failure_at = ?6, failure_since = ?7, failure_in_a_row = ?8, failure_oauth_error = ?9,
             failure_http_status = ?10
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND lifecycle = 'revoking'",
    )
    .bind_key(&revocation.key)
    .bind(failure.kind.as_str())
    .bind_time(failure.at)
    .bind_time(failure.since)
    .bind(failure.in_a_row)
    .bind(failure.oauth_error.as_deref())
    .bind(failure.http_status)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Erases the tokens. `true`: they were the last of a revoking grant, which thereby is revoked.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    revocation: &PendingRevocation,
    outcome: RevocationOutcome,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let ended = sqlx::query(
        "UPDATE revocations
         SET access_token = NULL, refresh_token = NULL, refresh_token_generation = NULL, due_at = NULL,
             ended_at = ?3, outcome = ?4
         WHERE tenant = ?1 AND id = ?2 AND ended_at IS NULL",
    )
    .bind(revocation.key.tenant.as_str())
    .bind(revocation.id.as_bytes().as_slice())
    .bind_time(at)
    .bind(outcome.as_str())
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    let grant_revoked = end_revoking(connection, revocation, outcome, at).await?;
    record(connection, revocation, outcome, grant_revoked, at).await?;
    Ok(grant_revoked)
}

/// A revoking grant is revoked with the last of its token sets. `true`: it is, thereby.
async fn end_revoking(
    connection: &mut SqliteConnection,
    revocation: &PendingRevocation,
    outcome: RevocationOutcome,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let revoked = sqlx::query(
        "UPDATE grants SET lifecycle = 'revoked', revocation = ?5, updated_at = ?6
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND lifecycle = 'revoking'
           AND NOT EXISTS (SELECT 1 FROM revocations p WHERE p.grant_id = grants.id AND p.ended_at IS NULL)",
    )
    .bind_key(&revocation.key)
    .bind(outcome.as_str())
    .bind_time(at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(revoked.rows_affected() == 1)
}

async fn record(
    connection: &mut SqliteConnection,
    revocation: &PendingRevocation,
    outcome: RevocationOutcome,
    grant_revoked: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    let action = if grant_revoked { AuditAction::REVOKE } else { AuditAction::REVOKE_TOKENS };
    let ended = format!("revocations/{}/{}", revocation.id, outcome.as_str());
    audit::write_of_grant(connection, &revocation.key, action, None, &ended, at).await
}

pub(super) async fn prune(pool: &SqlitePool, ended_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM revocations WHERE id IN (
             SELECT o.id FROM revocations o WHERE o.ended_at < ?1 ORDER BY o.ended_at LIMIT ?2)",
    )
    .bind_time(ended_before)
    .bind(limit)
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(deleted.rows_affected())
}
