//! The statements of [`RotationRequests`](broker_core::ports::RotationRequests).

use broker_core::ports::{
    RequestRound, RequestState, RotationAnswer, RotationRequest, StoreError, TakeRequests, TakenRequest,
    TraceParent,
};
use broker_core::{Generation, GrantKey, Timestamp};
use sqlx::PgPool;

use super::{ANSWERED, REQUESTED};
use crate::columns::{generation as to_generation, key, number, time, uuid};
use crate::operation::failed;
use crate::scope;

/// The notification goes out with the commit.
pub(super) async fn request(pool: &PgPool, request: &RotationRequest) -> Result<RequestRound, StoreError> {
    let mut tx = scope::of_tenant(pool, &request.key.tenant).await?;
    let round = sqlx::query_scalar!(
        r#"WITH asked AS (
               INSERT INTO rotation_requests AS r
                   (grant_id, generation, tenant, round, answered, requested_at, wanted_until, trace_parent)
               VALUES ($1, $2, $3, 1, 0, $4, $5, $7)
               ON CONFLICT (grant_id, generation) DO UPDATE SET
                   round = CASE WHEN r.answered < r.round THEN r.round ELSE r.round + 1 END,
                   requested_at = CASE WHEN r.answered < r.round AND r.wanted_until > $4
                                       THEN r.requested_at ELSE $4 END,
                   taken_at = CASE WHEN r.answered < r.round THEN r.taken_at END,
                   wanted_until = greatest(r.wanted_until, $5),
                   trace_parent = CASE WHEN r.answered < r.round THEN coalesce(r.trace_parent, $7) ELSE $7 END
               RETURNING round
           ), told AS (SELECT pg_notify($6, ''))
           SELECT round AS "round!" FROM asked, told"#,
        uuid(request.key.grant_id().as_bytes()),
        request.generation.get().cast_signed(),
        request.key.tenant.as_str(),
        request.requested_at.as_unix_micros(),
        request.wanted_until.as_unix_micros(),
        REQUESTED,
        request.trace_parent.as_ref().map(TraceParent::as_str),
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    number(round, "round").map(RequestRound)
}

pub(super) async fn state(
    pool: &PgPool,
    key: &GrantKey,
    generation: Generation,
    round: RequestRound,
) -> Result<Option<RequestState>, StoreError> {
    let mut tx = scope::of_tenant(pool, &key.tenant).await?;
    let row = sqlx::query!(
        "SELECT answered, taken_at, answer, answer_until FROM rotation_requests
         WHERE grant_id = $1 AND generation = $2",
        uuid(key.grant_id().as_bytes()),
        generation.get().cast_signed(),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    if number::<u64, _>(row.answered, "answered")? < round.0 {
        let taken = row.taken_at.is_some();
        return Ok(Some(if taken { RequestState::Taken } else { RequestState::Waiting }));
    }
    let name = row.answer.ok_or(StoreError::Inconsistent("answer"))?;
    let answer = RotationAnswer::from_parts(&name, time(row.answer_until));
    answer.map(RequestState::Answered).map(Some).ok_or(StoreError::Inconsistent("answer"))
}

pub(super) async fn take(pool: &PgPool, take: TakeRequests) -> Result<Vec<TakenRequest>, StoreError> {
    let rows = sqlx::query!(
        "WITH open AS (
             SELECT grant_id, generation FROM rotation_requests
             WHERE round > answered AND wanted_until > $1 AND (taken_at IS NULL OR taken_at < $2)
             ORDER BY requested_at LIMIT $3 FOR UPDATE SKIP LOCKED
         )
         UPDATE rotation_requests r SET taken_at = $1 FROM open, grants g
         WHERE r.grant_id = open.grant_id AND r.generation = open.generation
           AND g.id = r.grant_id AND g.tenant = r.tenant
         RETURNING g.tenant, g.provider, g.user_id, g.account, r.generation, r.round, r.trace_parent",
        take.at.as_unix_micros(),
        take.taken_before.as_unix_micros(),
        i64::from(take.limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let taken = rows.into_iter().map(|row| {
        Ok(TakenRequest {
            key: key([row.tenant, row.provider, row.user_id, row.account])?,
            generation: to_generation(row.generation, "generation")?,
            round: RequestRound(number(row.round, "round")?),
            trace_parent: row.trace_parent.as_deref().and_then(TraceParent::parse),
        })
    });
    taken.collect()
}

pub(super) async fn answer(
    pool: &PgPool,
    taken: &TakenRequest,
    answer: RotationAnswer,
) -> Result<(), StoreError> {
    let (name, until) = answer.parts();
    sqlx::query!(
        "WITH answered AS (
             UPDATE rotation_requests SET answered = $3, answer = $4, answer_until = $5
             WHERE grant_id = $1 AND generation = $2 AND answered < $3 AND round >= $3
         )
         SELECT pg_notify($6, $7)",
        uuid(taken.key.grant_id().as_bytes()),
        taken.generation.get().cast_signed(),
        taken.round.0.cast_signed(),
        name,
        until.map(Timestamp::as_unix_micros),
        ANSWERED,
        taken.key.grant_id().to_string(),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn prune(pool: &PgPool, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let pruned = sqlx::query!(
        "DELETE FROM rotation_requests WHERE (grant_id, generation) IN (
             SELECT grant_id, generation FROM rotation_requests WHERE wanted_until < $1
             ORDER BY wanted_until LIMIT $2)",
        before.as_unix_micros(),
        i64::from(limit),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(pruned.rows_affected())
}
