//! Rotations of keys.

use broker_core::ports::{CreateOutcome, KeyRotationNote, RequestMark, RotationStart, StoreError, records};
use broker_core::{
    AuditRecord, IncarnationId, KeyKind, KeyRotation, KeyRotationId, KeyRotationState, KeyRotationWalk,
    TenantId, Timestamp, WrappingKeys,
};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::audit;
use crate::columns::{name, number, time, uuid, word};
use crate::operation::failed;
use crate::requests;

struct Row {
    id: Uuid,
    kind: String,
    tenant: Option<String>,
    target: Option<String>,
    state: String,
    walk: String,
    after_tenant: Option<String>,
    done: i64,
    remaining: i64,
    failed: i64,
    created_at: i64,
    ended_at: Option<i64>,
}

impl Row {
    fn rotation(self) -> Result<KeyRotation, StoreError> {
        let tenant = |id: Option<String>, column| id.map(|id| name(id, TenantId::new, column)).transpose();
        Ok(KeyRotation {
            id: KeyRotationId::from_bytes(self.id.into_bytes()),
            kind: word(&self.kind, KeyKind::from_name, "kind")?,
            tenant: tenant(self.tenant, "tenant")?,
            target: self.target.map(|kids| word(&kids, WrappingKeys::parse, "target")).transpose()?,
            state: word(&self.state, KeyRotationState::from_name, "state")?,
            walk: word(&self.walk, KeyRotationWalk::from_name, "walk")?,
            after: tenant(self.after_tenant, "after_tenant")?,
            done: number(self.done, "done")?,
            remaining: number(self.remaining, "remaining")?,
            failed: number(self.failed, "failed")?,
            created_at: Timestamp::from_unix_micros(self.created_at),
            ended_at: time(self.ended_at),
        })
    }
}

/// Of several replicas at once one inserts and all read the same row.
pub(super) async fn start(
    pool: &PgPool,
    rotation: &KeyRotation,
    request: Option<&RequestMark>,
    record: &AuditRecord,
) -> Result<RotationStart, StoreError> {
    let scope = rotation.tenant.as_ref().map_or(requests::EVERY_TENANT, TenantId::as_str);
    let mut tx = pool.begin().await.map_err(failed)?;
    match requests::before(&mut tx, scope, request).await? {
        Some(CreateOutcome::Repeated(id)) => {
            let id = word(&id, KeyRotationId::parse, "resource")?;
            let kept = read(&mut *tx, id).await?.ok_or(StoreError::Inconsistent("resource"))?;
            return Ok(RotationStart::Kept(kept));
        }
        Some(_) => return Ok(RotationStart::IdReused),
        None => {}
    }
    end_those_to_another_target(&mut tx, rotation).await?;
    if insert(&mut tx, rotation).await? {
        audit::write(&mut tx, record).await?;
    }
    let running = running(&mut tx, rotation).await?;
    requests::keep(&mut tx, scope, request, &running.id.to_string()).await?;
    tx.commit().await.map_err(failed)?;
    Ok(RotationStart::Kept(running))
}

/// The one that runs, or the one given where that has ended since.
async fn running(connection: &mut PgConnection, rotation: &KeyRotation) -> Result<KeyRotation, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, kind, tenant, target, state, walk, after_tenant, done, remaining, failed, created_at, ended_at
         FROM key_rotations
         WHERE kind = $1 AND coalesce(tenant, '') = coalesce($2, '') AND (state = 'running' OR id = $3)
         ORDER BY state = 'running' DESC LIMIT 1",
        rotation.kind.as_str(),
        rotation.tenant.as_ref().map(TenantId::as_str),
        uuid(rotation.id.as_bytes()),
    )
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    row.rotation()
}

async fn end_those_to_another_target(
    connection: &mut PgConnection,
    rotation: &KeyRotation,
) -> Result<(), StoreError> {
    let ended = sqlx::query_scalar!(
        "UPDATE key_rotations SET state = 'failed', ended_at = $4, owner = NULL, heartbeat_at = NULL
         WHERE kind = $1 AND coalesce(tenant, '') = coalesce($2, '') AND state = 'running'
           AND target IS DISTINCT FROM $3
         RETURNING id",
        rotation.kind.as_str(),
        rotation.tenant.as_ref().map(TenantId::as_str),
        rotation.target.as_ref().map(ToString::to_string),
        rotation.created_at.as_unix_micros(),
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    for id in ended {
        let id = KeyRotationId::from_bytes(id.into_bytes());
        let (tenant, at) = (rotation.tenant.as_ref(), rotation.created_at);
        let record = records::key_rotation_ended(id, tenant, KeyRotationState::Failed, at);
        audit::write(connection, &record).await?;
    }
    Ok(())
}

/// `false`: one like it is running.
async fn insert(connection: &mut PgConnection, rotation: &KeyRotation) -> Result<bool, StoreError> {
    let inserted = sqlx::query!(
        "INSERT INTO key_rotations (id, kind, tenant, target, state, walk, done, remaining, failed, created_at)
         VALUES ($1, $2, $3, $4, 'running', $5, 0, $6, 0, $7) ON CONFLICT DO NOTHING",
        uuid(rotation.id.as_bytes()),
        rotation.kind.as_str(),
        rotation.tenant.as_ref().map(TenantId::as_str),
        rotation.target.as_ref().map(ToString::to_string),
        rotation.walk.as_str(),
        rotation.remaining.cast_signed(),
        rotation.created_at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn read(
    from: impl PgExecutor<'_>,
    id: KeyRotationId,
) -> Result<Option<KeyRotation>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, kind, tenant, target, state, walk, after_tenant, done, remaining, failed, created_at, ended_at
         FROM key_rotations WHERE id = $1",
        uuid(id.as_bytes()),
    )
    .fetch_optional(from)
    .await
    .map_err(failed)?;
    row.map(Row::rotation).transpose()
}

/// Ids sort by time.
pub(super) async fn page(
    pool: &PgPool,
    before: Option<KeyRotationId>,
    limit: u32,
) -> Result<Vec<KeyRotation>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, kind, tenant, target, state, walk, after_tenant, done, remaining, failed, created_at, ended_at
         FROM key_rotations WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
        before.map(|id| uuid(id.as_bytes())),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter().map(Row::rotation).collect()
}

pub(super) async fn claim(
    pool: &PgPool,
    owner: IncarnationId,
    primary: Option<&WrappingKeys>,
    at: Timestamp,
    silent_since: Timestamp,
) -> Result<Option<KeyRotation>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "UPDATE key_rotations SET owner = $1, heartbeat_at = $3
         WHERE id = (SELECT id FROM key_rotations
                     WHERE state = 'running' AND (target IS NULL OR target = $2)
                       AND (owner IS NULL OR heartbeat_at < $4)
                     ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, kind, tenant, target, state, walk, after_tenant, done, remaining, failed, created_at, ended_at",
        uuid(owner.as_bytes()),
        primary.map(ToString::to_string),
        at.as_unix_micros(),
        silent_since.as_unix_micros(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    row.map(Row::rotation).transpose()
}

pub(super) async fn end(
    pool: &PgPool,
    note: &KeyRotationNote,
    state: KeyRotationState,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let ended = self::note(&mut *tx, note, state).await?;
    if ended {
        let KeyRotation { id, tenant, .. } = &note.rotation;
        let record = records::key_rotation_ended(*id, tenant.as_ref(), state, note.at);
        audit::write(&mut tx, &record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(ended)
}

pub(super) async fn note(
    executor: impl PgExecutor<'_>,
    note: &KeyRotationNote,
    state: KeyRotationState,
) -> Result<bool, StoreError> {
    let rotation = &note.rotation;
    let noted = sqlx::query!(
        "UPDATE key_rotations SET heartbeat_at = $3::bigint, walk = $4, after_tenant = $5, done = $6, remaining = $7,
                                  failed = $8, state = $9, ended_at = CASE WHEN $9::text <> 'running' THEN $3::bigint END
         WHERE id = $1 AND owner = $2 AND state = 'running'",
        uuid(rotation.id.as_bytes()),
        uuid(note.owner.as_bytes()),
        note.at.as_unix_micros(),
        rotation.walk.as_str(),
        rotation.after.as_ref().map(TenantId::as_str),
        rotation.done.cast_signed(),
        rotation.remaining.cast_signed(),
        rotation.failed.cast_signed(),
        state.as_str(),
    )
    .execute(executor)
    .await
    .map_err(failed)?;
    Ok(noted.rows_affected() == 1)
}
