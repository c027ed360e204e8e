//! What is due.

use broker_core::ports::{DueGrant, DueQuery, StoreError};
use broker_core::{Phase, RegistrationId, Timestamp};
use sqlx::PgPool;

use crate::columns::{generation, kept, key, name, span, time, uuid, word};
use crate::operation::failed;

struct DueRow {
    tenant: String,
    provider: String,
    user_id: String,
    account: String,
    generation: i64,
    due_at: i64,
    phase: String,
    registration: String,
    expires_at: i64,
    dies_at: Option<i64>,
    refresh_token_timeout: Option<i64>,
    asked_at: Option<i64>,
}

pub(crate) async fn read(pool: &PgPool, query: &DueQuery) -> Result<Vec<DueGrant>, StoreError> {
    let rows = match query.per_lane {
        None => earliest(pool, query).await?,
        Some(most) => by_lane(pool, query, most).await?,
    };
    Ok(rows.into_iter().filter_map(readable).collect())
}

/// Reads the partial index `grants_due`: its own condition must stand here word for word.
async fn earliest(pool: &PgPool, query: &DueQuery) -> Result<Vec<DueRow>, StoreError> {
    sqlx::query_as!(
        DueRow,
        r#"SELECT g.tenant, g.provider, g.user_id, g.account, r.generation, r.due_at AS "due_at!", r.phase,
                  g.registration, g.expires_at, g.dies_at, g.refresh_token_timeout, u.asked_at AS "asked_at?"
           FROM grant_rotation r JOIN grants g ON g.id = r.grant_id LEFT JOIN grant_use u ON u.grant_id = r.grant_id
           WHERE r.lifecycle = 'active' AND r.due_at IS NOT NULL AND r.due_at <= $1
           ORDER BY r.due_at LIMIT $2"#,
        query.due_by.as_unix_micros(),
        i64::from(query.limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)
}

/// Leaps through the index `grants_due_by_lane` from one tenant and provider to the next, and reads the earliest of
/// each.
async fn by_lane(pool: &PgPool, query: &DueQuery, most: u32) -> Result<Vec<DueRow>, StoreError> {
    sqlx::query_as!(
        DueRow,
        r#"WITH RECURSIVE lanes AS (
               (SELECT f.tenant, f.provider FROM grant_rotation f
                WHERE f.lifecycle = 'active' AND f.due_at IS NOT NULL ORDER BY f.tenant, f.provider LIMIT 1)
               UNION ALL
               SELECT n.tenant, n.provider FROM lanes l CROSS JOIN LATERAL (
                   SELECT x.tenant, x.provider FROM grant_rotation x
                   WHERE x.lifecycle = 'active' AND x.due_at IS NOT NULL
                     AND (x.tenant, x.provider) > (l.tenant, l.provider)
                   ORDER BY x.tenant, x.provider LIMIT 1) n
           ), due AS (
               SELECT d.grant_id, d.generation, d.due_at, d.phase FROM lanes l CROSS JOIN LATERAL (
                   SELECT y.grant_id, y.generation, y.due_at, y.phase FROM grant_rotation y
                   WHERE y.tenant = l.tenant AND y.provider = l.provider
                     AND y.lifecycle = 'active' AND y.due_at IS NOT NULL AND y.due_at <= $1
                   ORDER BY y.due_at LIMIT $3) d
               ORDER BY d.due_at LIMIT $2
           )
           SELECT g.tenant, g.provider, g.user_id, g.account, r.generation AS "generation!", r.due_at AS "due_at!",
                  r.phase AS "phase!", g.registration, g.expires_at, g.dies_at, g.refresh_token_timeout,
                  u.asked_at AS "asked_at?"
           FROM due r JOIN grants g ON g.id = r.grant_id LEFT JOIN grant_use u ON u.grant_id = r.grant_id
           ORDER BY r.due_at"#,
        query.due_by.as_unix_micros(),
        i64::from(query.limit),
        i64::from(most),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)
}

/// Moves a due time that nothing has moved since it was read.
pub(crate) async fn postpone(pool: &PgPool, due: &DueGrant, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE grant_rotation SET due_at = $5
         WHERE tenant = $1 AND grant_id = $2 AND generation = $3 AND lifecycle = 'active' AND due_at = $4",
        due.key.tenant.as_str(),
        uuid(due.key.grant_id().as_bytes()),
        kept(due.generation),
        due.due_at.as_unix_micros(),
        until.as_unix_micros(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

/// One row that cannot be read must not keep every other grant from being refreshed.
fn readable(row: DueRow) -> Option<DueGrant> {
    due_grant(row).inspect_err(|error| tracing::error!(%error, "a due grant cannot be read")).ok()
}

fn due_grant(row: DueRow) -> Result<DueGrant, StoreError> {
    let phase = word(&row.phase, Phase::from_name, "phase")?;
    Ok(DueGrant {
        key: key([row.tenant, row.provider, row.user_id, row.account])?,
        generation: generation(row.generation, "generation")?,
        due_at: Timestamp::from_unix_micros(row.due_at),
        undecided: matches!(phase, Phase::Uncertain | Phase::Suspect),
        registration: name(row.registration, RegistrationId::new, "registration")?,
        expires_at: Timestamp::from_unix_micros(row.expires_at),
        dies_at: time(row.dies_at),
        refresh_token_timeout: row.refresh_token_timeout.map(span).transpose()?,
        asked_at: time(row.asked_at),
    })
}
