//! Rotations of keys.

use broker_core::ports::{CreateOutcome, KeyRotationNote, RequestMark, RotationStart, StoreError, records};
use broker_core::{
    AuditRecord, IncarnationId, KeyKind, KeyRotation, KeyRotationId, KeyRotationState, KeyRotationWalk,
    TenantId, Timestamp, WrappingKeys,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqliteExecutor, SqlitePool};

use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::requests;

macro_rules! rotation_columns {
    () => {
        "id, kind, tenant, target, state, walk, after_tenant, done, remaining, failed, created_at, ended_at"
    };
}

pub(super) async fn start(
    connection: &mut SqliteConnection,
    rotation: &KeyRotation,
    request: Option<&RequestMark>,
    record: &AuditRecord,
) -> Result<RotationStart, StoreError> {
    let scope = rotation.tenant.as_ref().map_or(requests::EVERY_TENANT, TenantId::as_str);
    match requests::before(connection, scope, request).await? {
        Some(CreateOutcome::Repeated(id)) => {
            let id = KeyRotationId::parse(&id).ok_or(StoreError::Inconsistent("resource"))?;
            let kept = read(&mut *connection, id).await?.ok_or(StoreError::Inconsistent("resource"))?;
            return Ok(RotationStart::Kept(kept));
        }
        Some(_) => return Ok(RotationStart::IdReused),
        None => {}
    }
    end_those_to_another_target(connection, rotation).await?;
    if insert(connection, rotation).await? {
        audit::write(connection, record).await?;
    }
    let running = running(connection, rotation).await?;
    requests::keep(connection, scope, request, &running.id.to_string()).await?;
    Ok(RotationStart::Kept(running))
}

async fn running(
    connection: &mut SqliteConnection,
    rotation: &KeyRotation,
) -> Result<KeyRotation, StoreError> {
    let row = sqlx::query(concat!(
        "SELECT ",
        rotation_columns!(),
        " FROM key_rotations WHERE kind = ?1 AND coalesce(tenant, '') = coalesce(?2, '') AND state = 'running'"
    ))
    .bind(rotation.kind.as_str())
    .bind(rotation.tenant.as_ref().map(TenantId::as_str))
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    from_row(&row)
}

async fn end_those_to_another_target(
    connection: &mut SqliteConnection,
    rotation: &KeyRotation,
) -> Result<(), StoreError> {
    let ended = sqlx::query(
        "UPDATE key_rotations SET state = 'failed', ended_at = ?4, owner = NULL, heartbeat_at = NULL
         WHERE kind = ?1 AND coalesce(tenant, '') = coalesce(?2, '') AND state = 'running' AND target IS NOT ?3
         RETURNING id",
    )
    .bind(rotation.kind.as_str())
    .bind(rotation.tenant.as_ref().map(TenantId::as_str))
    .bind(rotation.target.as_ref().map(ToString::to_string))
    .bind_time(rotation.created_at)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let (tenant, at) = (rotation.tenant.as_ref(), rotation.created_at);
    for row in ended {
        let id = row.id("id", KeyRotationId::from_bytes)?;
        let record = records::key_rotation_ended(id, tenant, KeyRotationState::Failed, at);
        audit::write(connection, &record).await?;
    }
    Ok(())
}

/// `false`: one like it is running.
async fn insert(connection: &mut SqliteConnection, rotation: &KeyRotation) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO key_rotations (id, kind, tenant, target, state, walk, done, remaining, failed, created_at)
         VALUES (?1, ?2, ?3, ?4, 'running', ?5, 0, ?6, 0, ?7) ON CONFLICT DO NOTHING",
    )
    .bind(rotation.id.as_bytes().as_slice())
    .bind(rotation.kind.as_str())
    .bind(rotation.tenant.as_ref().map(TenantId::as_str))
    .bind(rotation.target.as_ref().map(ToString::to_string))
    .bind(rotation.walk.as_str())
    .bind(rotation.remaining.cast_signed())
    .bind_time(rotation.created_at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn read(
    from: impl SqliteExecutor<'_>,
    id: KeyRotationId,
) -> Result<Option<KeyRotation>, StoreError> {
    sqlx::query(concat!("SELECT ", rotation_columns!(), " FROM key_rotations WHERE id = ?1"))
        .bind(id.as_bytes().as_slice())
        .fetch_optional(from)
        .await
        .map_err(failed)?
        .map(|row| from_row(&row))
        .transpose()
}

/// Ids sort by time.
pub(super) async fn page(
    pool: &SqlitePool,
    before: Option<KeyRotationId>,
    limit: u32,
) -> Result<Vec<KeyRotation>, StoreError> {
    sqlx::query(concat!(
        "SELECT ",
        rotation_columns!(),
        " FROM key_rotations WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2"
    ))
    .bind(before.map(|id| id.as_bytes().to_vec()))
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(from_row)
    .collect()
}

pub(super) async fn claim(
    pool: &SqlitePool,
    owner: IncarnationId,
    primary: Option<&WrappingKeys>,
    at: Timestamp,
    silent_since: Timestamp,
) -> Result<Option<KeyRotation>, StoreError> {
    sqlx::query(concat!(
        "UPDATE key_rotations SET owner = ?1, heartbeat_at = ?3
         WHERE id = (SELECT id FROM key_rotations
                     WHERE state = 'running' AND (target IS NULL OR target = ?2)
                       AND (owner IS NULL OR heartbeat_at < ?4) ORDER BY id LIMIT 1)
         RETURNING ",
        rotation_columns!()
    ))
    .bind(owner.as_bytes().as_slice())
    .bind(primary.map(ToString::to_string))
    .bind_time(at)
    .bind_time(silent_since)
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(|row| from_row(&row))
    .transpose()
}

pub(super) async fn end(
    connection: &mut SqliteConnection,
    note: &KeyRotationNote,
    state: KeyRotationState,
) -> Result<bool, StoreError> {
    let ended = self::note(&mut *connection, note, state).await?;
    if ended {
        let KeyRotation { id, tenant, .. } = &note.rotation;
        let record = records::key_rotation_ended(*id, tenant.as_ref(), state, note.at);
        audit::write(connection, &record).await?;
    }
    Ok(ended)
}

pub(super) async fn note(
    executor: impl SqliteExecutor<'_>,
    note: &KeyRotationNote,
    state: KeyRotationState,
) -> Result<bool, StoreError> {
    let rotation = &note.rotation;
    let noted = sqlx::query(
        "UPDATE key_rotations SET heartbeat_at = ?3, walk = ?4, after_tenant = ?5, done = ?6, remaining = ?7,
                                  failed = ?8, state = ?9, ended_at = iif(?9 = 'running', NULL, ?3)
         WHERE id = ?1 AND owner = ?2 AND state = 'running'",
    )
    .bind(rotation.id.as_bytes().as_slice())
    .bind(note.owner.as_bytes().as_slice())
    .bind_time(note.at)
    .bind(rotation.walk.as_str())
    .bind(rotation.after.as_ref().map(TenantId::as_str))
    .bind(rotation.done.cast_signed())
    .bind(rotation.remaining.cast_signed())
    .bind(rotation.failed.cast_signed())
    .bind(state.as_str())
    .execute(executor)
    .await
    .map_err(failed)?;
    Ok(noted.rows_affected() == 1)
}

fn from_row(row: &SqliteRow) -> Result<KeyRotation, StoreError> {
    let tenant = |column| {
        let name = row.optional_text(column)?.map(TenantId::new).transpose();
        name.map_err(|_| StoreError::Inconsistent(column))
    };
    let target = row.optional_text("target")?;
    Ok(KeyRotation {
        id: row.id("id", KeyRotationId::from_bytes)?,
        kind: row.word("kind", KeyKind::from_name)?,
        tenant: tenant("tenant")?,
        target: target
            .map(|kids| WrappingKeys::parse(&kids).ok_or(StoreError::Inconsistent("target")))
            .transpose()?,
        state: row.word("state", KeyRotationState::from_name)?,
        walk: row.word("walk", KeyRotationWalk::from_name)?,
        after: tenant("after_tenant")?,
        done: row.number("done")?,
        remaining: row.number("remaining")?,
        failed: row.number("failed")?,
        created_at: row.time("created_at")?,
        ended_at: row.optional_time("ended_at")?,
    })
}
