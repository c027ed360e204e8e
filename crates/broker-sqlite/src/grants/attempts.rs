//! Attempts: writing, reading, numbering.

use broker_core::ports::{SentBefore, StoreError};
use broker_core::{
    Attempt, AttemptId, AttemptKind, AttemptPhase, AuthorizationId, Generation, GrantId, IncarnationId,
    LineageId, RegistrationId, TenantId, Timestamp,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::columns::{BindDomain, Columns, Statement};
use crate::operation::failed;

/// What [`from_row`] reads, from `attempts a`.
macro_rules! attempt_columns {
    () => {
        "a.id, a.tenant, a.provider, a.user_id, a.account, a.kind, a.authorization_id, a.registration, \
         a.lineage, a.generation, a.presentation_no, a.owner, a.claimed_at, a.sent_at, a.closed_at"
    };
}
pub(crate) use attempt_columns;

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
    insert_statement(attempt, None).execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Keeps an adopted attempt whose row is lost. Its number may have been given once more since; the row then takes the
/// next free one.
pub(crate) async fn insert_adopted(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    adopted: Generation,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut kept = attempt.clone();
    let (grant, generation) = (attempt.grant_id(), attempt.generation);
    if number_is_taken(connection, grant, generation, attempt.presentation_no).await? {
        kept.presentation_no = next_presentation_no(connection, grant, generation).await?;
    }
    insert_statement(&kept, Some((adopted, at))).execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn number_is_taken(
    connection: &mut SqliteConnection,
    grant: GrantId,
    generation: Generation,
    presentation_no: u32,
) -> Result<bool, StoreError> {
    let taken = sqlx::query(
        "SELECT 1 FROM attempts WHERE grant_id = ?1 AND generation = ?2 AND presentation_no = ?3",
    )
    .bind(grant.as_bytes().as_slice())
    .bind_generation(generation)
    .bind(presentation_no)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(taken.is_some())
}

fn insert_statement(attempt: &Attempt, adopted: Option<(Generation, Timestamp)>) -> Statement<'_> {
    sqlx::query(
        "INSERT INTO attempts (tenant, provider, user_id, account, id, grant_id, kind, authorization_id,
                               registration, lineage, generation, presentation_no, owner, claimed_at, sent_at,
                               adopted_generation, closed_at, conclusion)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                 iif(?17 IS NULL, NULL, 'adopted'))",
    )
    .bind_key(&attempt.key)
    .bind(attempt.id.as_bytes().as_slice())
    .bind(attempt.grant_id().as_bytes().to_vec())
    .bind(kind_word(attempt.kind))
    .bind(authorization_of(attempt).map(|id| id.as_bytes().to_vec()))
    .bind(attempt.registration.as_str())
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind_generation(attempt.generation)
    .bind(attempt.presentation_no)
    .bind(attempt.owner.as_bytes().as_slice())
    .bind_time(attempt.claimed_at)
    .bind_optional_time(attempt.sent_at)
    .bind(adopted.map(|(generation, _)| generation.get().cast_signed()))
    .bind_optional_time(adopted.map(|(_, at)| at))
}

pub(crate) async fn read(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AttemptId,
) -> Result<Option<Attempt>, StoreError> {
    let sql = concat!("SELECT ", attempt_columns!(), " FROM attempts a WHERE a.tenant = ?1 AND a.id = ?2");
    sqlx::query(sql)
        .bind(tenant.as_str())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|row| from_row(&row))
        .transpose()
}

/// When the refresh token of that lineage and generation was sent, first and last, by whichever attempt.
pub(crate) async fn times_sent(
    connection: &mut SqliteConnection,
    grant: GrantId,
    lineage: LineageId,
    generation: Generation,
) -> Result<Option<SentBefore>, StoreError> {
    let row = sqlx::query(
        "SELECT min(sent_at) AS first, max(sent_at) AS last
         FROM attempts WHERE grant_id = ?1 AND generation = ?2 AND lineage = ?3",
    )
    .bind(grant.as_bytes().as_slice())
    .bind_generation(generation)
    .bind(lineage.as_bytes().as_slice())
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    let times = row.optional_time("first")?.zip(row.optional_time("last")?);
    Ok(times.map(|(first, last)| SentBefore { first, last }))
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

/// From a row with [`attempt_columns`].
pub(crate) fn from_row(row: &SqliteRow) -> Result<Attempt, StoreError> {
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
        sent_at: row.optional_time("sent_at")?,
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
