//! Device authorizations and their polls.

use std::time::Duration;

use broker_core::ports::{AfterPoll, ClaimedPoll, DuePoll, PollClaim, PollEnd, StoreError};
use broker_core::{
    Attempt, AuthorizationId, DeviceAuthorization, Polling, Quota, RegistrationId, TenantId, Timestamp,
};
use broker_crypto::Sealed;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::audit;
use crate::columns::{key, name, number, uuid};
use crate::consents;
use crate::grants::attempts::AttemptRow;
use crate::grants::close;
use crate::operation::failed;
use crate::quotas;

pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AuthorizationId,
    device: &DeviceAuthorization,
) -> Result<(), StoreError> {
    let polling = &device.polling;
    sqlx::query!(
        "INSERT INTO device_authorizations (authorization_id, tenant, device_code, poll_interval, next_poll_at, failures,
                                            answer_lost)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        uuid(id.as_bytes()),
        tenant.as_str(),
        device.code.as_bytes(),
        millis(polling.interval)?,
        polling.next_at.as_unix_micros(),
        number::<i32, _>(polling.failures, "failures")?,
        polling.answer_lost,
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(crate) async fn read(
    executor: impl PgExecutor<'_>,
    tenant: &TenantId,
    id: AuthorizationId,
) -> Result<Option<DeviceAuthorization>, StoreError> {
    let row = sqlx::query!(
        "SELECT device_code, poll_interval, next_poll_at, failures, answer_lost
         FROM device_authorizations WHERE tenant = $1 AND authorization_id = $2",
        tenant.as_str(),
        uuid(id.as_bytes()),
    )
    .fetch_optional(executor)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(DeviceAuthorization {
        code: Sealed::from_bytes(row.device_code),
        polling: Polling {
            interval: Duration::from_millis(number(row.poll_interval, "poll_interval")?),
            next_at: Timestamp::from_unix_micros(row.next_poll_at),
            failures: number(row.failures, "failures")?,
            answer_lost: row.answer_lost,
        },
    }))
}

pub(crate) async fn due(pool: &PgPool, by: Timestamp, limit: u32) -> Result<Vec<DuePoll>, StoreError> {
    let rows = sqlx::query!(
        "SELECT z.id, z.tenant, z.provider, z.user_id, z.account, z.registration, z.expires_at
         FROM device_authorizations d JOIN authorizations z ON z.id = d.authorization_id
         WHERE d.next_poll_at <= $1 ORDER BY d.next_poll_at LIMIT $2",
        by.as_unix_micros(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let due = rows.into_iter().map(|row| {
        Ok(DuePoll {
            authorization: AuthorizationId::from_bytes(row.id.into_bytes()),
            key: key([row.tenant, row.provider, row.user_id, row.account])?,
            registration: name(row.registration, RegistrationId::new, "registration")?,
            expires_at: Timestamp::from_unix_micros(row.expires_at),
        })
    });
    due.collect()
}

pub(crate) async fn put_off_all(
    pool: &PgPool,
    polls: &[DuePoll],
    due_by: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    let ids: Vec<_> = polls.iter().map(|poll| uuid(poll.authorization.as_bytes())).collect();
    sqlx::query!(
        "UPDATE device_authorizations SET next_poll_at = $3 WHERE authorization_id = ANY($1) AND next_poll_at <= $2",
        &ids,
        due_by.as_unix_micros(),
        until.as_unix_micros(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(crate) async fn claim(
    pool: &PgPool,
    claim: &PollClaim,
    quota: Quota,
) -> Result<Option<ClaimedPoll>, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let Some(attempt) = open(&mut tx, claim).await? else {
        tx.commit().await.map_err(failed)?;
        return Ok(None);
    };
    if quotas::grants_exceed(&mut tx, quota, &attempt.key).await? {
        tx.rollback().await.map_err(failed)?;
        put_off(pool, claim).await?;
        return Ok(None);
    }
    let missing = || StoreError::Inconsistent("authorization_id");
    let device = read(&mut *tx, &claim.tenant, claim.authorization).await?.ok_or_else(missing)?;
    let authorization =
        consents::by_id(&mut *tx, &claim.tenant, claim.authorization).await?.ok_or_else(missing)?;
    tx.commit().await.map_err(failed)?;
    Ok(Some(ClaimedPoll { attempt, authorization, device }))
}

async fn open(connection: &mut PgConnection, claim: &PollClaim) -> Result<Option<Attempt>, StoreError> {
    sqlx::query_as!(
        AttemptRow,
        r#"SELECT id AS "id!", tenant AS "tenant!", provider AS "provider!", user_id AS "user_id!",
                  account AS "account!", authorization_id, registration AS "registration!", lineage AS "lineage!",
                  generation AS "generation!", presentation_no AS "presentation_no!", owner AS "owner!",
                  claimed_at AS "claimed_at!", sent_at, closed_at
           FROM claim_poll($1, $2, $3, $4, $5, $6)"#,
        claim.tenant.as_str(),
        uuid(claim.authorization.as_bytes()),
        uuid(claim.attempt.as_bytes()),
        uuid(claim.owner.as_bytes()),
        claim.at.as_unix_micros(),
        claim.hold_until.as_unix_micros(),
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .map(AttemptRow::attempt)
    .transpose()
}

async fn put_off(pool: &PgPool, claim: &PollClaim) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE device_authorizations SET next_poll_at = $3
         WHERE tenant = $1 AND authorization_id = $2 AND next_poll_at <= $4",
        claim.tenant.as_str(),
        uuid(claim.authorization.as_bytes()),
        claim.hold_until.as_unix_micros(),
        claim.at.as_unix_micros(),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(crate) async fn end(pool: &PgPool, poll: &PollEnd) -> Result<bool, StoreError> {
    let attempt = &poll.end.attempt;
    let id = attempt.authorization().ok_or(StoreError::Inconsistent("authorization_id"))?;
    let mut tx = pool.begin().await.map_err(failed)?;
    lock(&mut tx, &attempt.key.tenant, id).await?;
    if !close::close(&mut *tx, &poll.end).await? {
        // Now, and not when the connection is next used: the lock would keep the next poll away.
        tx.rollback().await.map_err(failed)?;
        return Ok(false);
    }
    match &poll.after {
        AfterPoll::Again { polling, keeps_attempt } => {
            poll_again(&mut tx, attempt, id, polling, poll.end.at).await?;
            if !keeps_attempt {
                delete_attempt(&mut tx, attempt).await?;
            }
        }
        after => {
            settle(&mut tx, &attempt.key.tenant, id, after, poll.end.at).await?;
            audit::write(&mut tx, &poll.record).await?;
        }
    }
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

/// In the order in which a claim locks.
async fn lock(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AuthorizationId,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"SELECT 1 AS "one!" FROM device_authorizations WHERE tenant = $1 AND authorization_id = $2 FOR UPDATE"#,
        tenant.as_str(),
        uuid(id.as_bytes()),
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn settle(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AuthorizationId,
    after: &AfterPoll,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE authorizations SET
             status = CASE WHEN $3 THEN 'denied' ELSE status END, settled_at = CASE WHEN $3 THEN $5 ELSE settled_at END,
             expires_at = CASE WHEN $4 THEN least(expires_at, $5) ELSE expires_at END
         WHERE tenant = $1 AND id = $2 AND status = 'pending'",
        tenant.as_str(),
        uuid(id.as_bytes()),
        *after == AfterPoll::Denied,
        *after == AfterPoll::Expired,
        at.as_unix_micros(),
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query!(
        "DELETE FROM device_authorizations WHERE tenant = $1 AND authorization_id = $2",
        tenant.as_str(),
        uuid(id.as_bytes()),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn poll_again(
    connection: &mut PgConnection,
    attempt: &Attempt,
    id: AuthorizationId,
    polling: &Polling,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT reopen_polled($1, $2, $3, $4)",
        attempt.key.tenant.as_str(),
        uuid(id.as_bytes()),
        uuid(attempt.id.as_bytes()),
        at.as_unix_micros(),
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query!(
        "UPDATE device_authorizations SET poll_interval = $3, next_poll_at = $4, failures = $5, answer_lost = $6
         WHERE tenant = $1 AND authorization_id = $2",
        attempt.key.tenant.as_str(),
        uuid(id.as_bytes()),
        millis(polling.interval)?,
        polling.next_at.as_unix_micros(),
        number::<i32, _>(polling.failures, "failures")?,
        polling.answer_lost,
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn delete_attempt(connection: &mut PgConnection, attempt: &Attempt) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM attempts WHERE tenant = $1 AND id = $2",
        attempt.key.tenant.as_str(),
        uuid(attempt.id.as_bytes()),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

fn millis(interval: Duration) -> Result<i64, StoreError> {
    i64::try_from(interval.as_millis()).map_err(|_| StoreError::Inconsistent("poll_interval"))
}
