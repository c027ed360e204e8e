//! Deleting attempts that nobody will ask for again.

use std::sync::atomic::{AtomicI64, Ordering};

use broker_core::Timestamp;
use broker_core::ports::StoreError;
use sqlx::PgPool;

use crate::operation::failed;

/// How many closed attempts are looked at for each that may be deleted.
const LOOKED_AT: i64 = 10;

/// The oldest go first. What a grant's present token set came from stays: it tells a late answer from an adopted one.
/// A store of sleeping grants keeps one such attempt of each, so a call looks at a stretch of time only, the next one at
/// the stretch behind it, and after the last stretch it begins again. Unread answers go with their attempts.
pub(crate) async fn prune(
    pool: &PgPool,
    looked_to: &AtomicI64,
    closed_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let from = looked_to.load(Ordering::Relaxed);
    let stretch = sqlx::query!(
        r#"WITH stretch AS (
               SELECT a.id, a.closed_at, EXISTS (
                   SELECT 1 FROM grant_rotation r
                   WHERE r.grant_id = a.grant_id AND r.lineage = a.lineage AND r.generation = a.adopted_generation
               ) AS present
               FROM attempts a WHERE a.closed_at IS NOT NULL AND a.closed_at >= $1 AND a.closed_at < $2
               ORDER BY a.closed_at LIMIT $4
           ), old AS (
               SELECT id, closed_at FROM stretch WHERE NOT present ORDER BY closed_at LIMIT $3
           ), deleted AS (
               DELETE FROM attempts a USING old WHERE a.id = old.id
           )
           SELECT (SELECT count(*) FROM old) AS "deleted!", (SELECT count(*) FROM stretch) AS "looked_at!",
                  (SELECT max(closed_at) FROM old) AS deleted_to, (SELECT max(closed_at) FROM stretch) AS looked_to"#,
        from,
        closed_before.as_unix_micros(),
        i64::from(limit),
        i64::from(limit) * LOOKED_AT,
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let full = stretch.deleted == i64::from(limit);
    let next = match (full, stretch.looked_at == i64::from(limit) * LOOKED_AT) {
        (true, _) => stretch.deleted_to,
        // Past this stretch, even if all of it was closed at one time.
        (false, true) => stretch.looked_to.map(|to| to.max(from.saturating_add(1))),
        (false, false) => None,
    };
    looked_to.store(next.unwrap_or(i64::MIN), Ordering::Relaxed);
    Ok(stretch.deleted.unsigned_abs())
}
