//! Attempts: writing, reading, numbering.

use broker_core::ports::StoreError;
use broker_core::{
    Attempt, AttemptId, AttemptKind, AttemptPhase, AuthorizationId, Generation, GrantId, IncarnationId,
    LineageId, RegistrationId, TenantId,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

macro_rules! attempt_columns {
    () => {
        "id, tenant, provider, user_id, account, kind, authorization_id, registration, lineage, generation, \
         presentation_no, owner, claimed_at, sent_at, closed_at"
    };
}

/// The number the next attempt of this grant at this generation has, from 1.
pub(crate) async fn next_presentation_no(
    connection: &mut SqliteConnection,
    grant: GrantId,
    generation: Generation,
) -> Result<u32, StoreError> {
    sqlx::query(
        "SELECT coalesce(max(presentation_no), 0) + 1 AS next
         FROM attempts WHERE grant_id = ?1 AND generation = ?2",
    )
    .bind(grant.as_bytes().as_slice())
    .bind_generation(generation)
    .fetch_one(connection)
    .await
    .map_err(failed)?
    .number("next")
}

/// Keeps a new attempt.
pub(crate) async fn insert(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO attempts (tenant, provider, user_id, account, id, grant_id, kind, authorization_id,
                               registration, lineage, generation, presentation_no, owner, claimed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )
    .bind_key(&attempt.key)
    .bind(attempt.id.as_bytes().as_slice())
    .bind(attempt.grant_id().as_bytes().as_slice())
    .bind(kind_word(attempt.kind))
    .bind(authorization_of(attempt).map(|id| id.as_bytes().to_vec()))
    .bind(attempt.registration.as_str())
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind_generation(attempt.generation)
    .bind(attempt.presentation_no)
    .bind(attempt.owner.as_bytes().as_slice())
    .bind_time(attempt.claimed_at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(crate) async fn read(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AttemptId,
) -> Result<Option<Attempt>, StoreError> {
    let sql = concat!("SELECT ", attempt_columns!(), " FROM attempts WHERE tenant = ?1 AND id = ?2");
    sqlx::query(sql)
        .bind(tenant.as_str())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|row| from_row(&row))
        .transpose()
}

/// The open attempts of every other run, oldest first.
pub(crate) async fn orphaned(
    connection: &mut SqliteConnection,
    owner: IncarnationId,
) -> Result<Vec<Attempt>, StoreError> {
    sqlx::query(concat!(
        "SELECT ",
        attempt_columns!(),
        " FROM attempts WHERE closed_at IS NULL AND owner <> ?1 ORDER BY claimed_at, id"
    ))
    .bind(owner.as_bytes().as_slice())
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

/// The authorization whose code an attempt presents.
pub(crate) fn authorization_of(attempt: &Attempt) -> Option<AuthorizationId> {
    match attempt.kind {
        AttemptKind::Refresh => None,
        AttemptKind::CodeExchange(authorization) => Some(authorization),
    }
}

fn kind_word(kind: AttemptKind) -> &'static str {
    match kind {
        AttemptKind::Refresh => "refresh",
        AttemptKind::CodeExchange(_) => "code_exchange",
    }
}

fn from_row(row: &SqliteRow) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        id: row.id("id", AttemptId::from_bytes)?,
        kind: kind(row)?,
        key: row.key()?,
        registration: row.name("registration", RegistrationId::new)?,
        lineage: row.id("lineage", LineageId::from_bytes)?,
        generation: row.generation("generation")?,
        presentation_no: row.number("presentation_no")?,
        owner: row.id("owner", IncarnationId::from_bytes)?,
        claimed_at: row.time("claimed_at")?,
        phase: match (row.optional_time("sent_at")?, row.optional_time("closed_at")?) {
            (_, Some(_)) => AttemptPhase::Closed,
            (None, None) => AttemptPhase::Claimed,
            (Some(_), None) => AttemptPhase::Sent,
        },
    })
}

fn kind(row: &SqliteRow) -> Result<AttemptKind, StoreError> {
    match row.text("kind")?.as_str() {
        "refresh" => Ok(AttemptKind::Refresh),
        "code_exchange" => {
            row.id("authorization_id", AuthorizationId::from_bytes).map(AttemptKind::CodeExchange)
        }
        _ => Err(StoreError::Inconsistent("kind")),
    }
}
