//! Open attempts of replicas that are gone.

use broker_core::ports::{Orphan, OwnerFate, StoreError};
use broker_core::{EscrowId, IncarnationId, Timestamp};
use sqlx::PgPool;

use super::attempts::attempt_row;
use crate::columns::{time, uuid};
use crate::operation::failed;

pub(crate) async fn read(
    pool: &PgPool,
    own: IncarnationId,
    silent_since: Timestamp,
    limit: u32,
) -> Result<Vec<Orphan>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT a.id, a.tenant, a.provider, a.user_id, a.account, a.authorization_id, a.registration, a.lineage,
                  a.generation, a.presentation_no, a.owner, a.claimed_at, a.sent_at, a.closed_at,
                  r.escrow_id AS "escrow_id?", r.drained_at,
                  (SELECT max(h.heartbeat_at) FROM replicas h WHERE h.escrow_id = r.escrow_id) AS heartbeat_at,
                  (SELECT min(f.sent_at) FROM attempts f
                   WHERE f.grant_id = a.grant_id AND f.generation = a.generation AND f.lineage = a.lineage
                  ) AS first_sent_at
           FROM attempts a LEFT JOIN replicas r ON r.incarnation = a.owner
           WHERE a.closed_at IS NULL AND a.owner <> $1
             AND (r.incarnation IS NULL OR r.drained_at IS NOT NULL OR r.heartbeat_at < $2)
           ORDER BY a.claimed_at, a.id LIMIT $3"#,
        uuid(own.as_bytes()),
        silent_since.as_unix_micros(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| {
            Ok(Orphan {
                first_sent_at: time(row.first_sent_at),
                owner: OwnerFate {
                    escrow: row.escrow_id.map(|id| EscrowId::from_bytes(id.into_bytes())),
                    last_heartbeat: time(row.heartbeat_at),
                    drained_at: time(row.drained_at),
                },
                attempt: attempt_row!(row).attempt()?,
            })
        })
        .collect()
}
