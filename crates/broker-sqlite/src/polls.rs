//! Device authorizations and their polls.

use std::time::Duration;

use broker_core::ports::{AfterPoll, ClaimedPoll, DuePoll, PollClaim, PollEnd, StoreError};
use broker_core::{
    Attempt, AuthorizationId, DeviceAuthorization, Polling, Quota, RegistrationId, TenantId, Timestamp,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::audit;
use crate::columns::{BindDomain, Columns, Statement};
use crate::consents;
use crate::grants::{close, exchange};
use crate::operation::failed;

pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AuthorizationId,
    device: &DeviceAuthorization,
) -> Result<(), StoreError> {
    let polling = &device.polling;
    sqlx::query(
        "INSERT INTO device_authorizations (tenant, authorization_id, device_code, poll_interval, next_poll_at,
                                            failures, answer_lost)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(tenant.as_str())
    .bind(id.as_bytes().as_slice())
    .bind(device.code.as_bytes())
    .bind(millis(polling.interval)?)
    .bind_time(polling.next_at)
    .bind(polling.failures)
    .bind(polling.answer_lost)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(crate) async fn read(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AuthorizationId,
) -> Result<Option<DeviceAuthorization>, StoreError> {
    let row = of(
        sqlx::query("SELECT * FROM device_authorizations WHERE tenant = ?1 AND authorization_id = ?2"),
        tenant,
        id,
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(|row| from_row(&row)).transpose()
}

pub(crate) async fn due(pool: &SqlitePool, by: Timestamp, limit: u32) -> Result<Vec<DuePoll>, StoreError> {
    let rows = sqlx::query(
        "SELECT z.id, z.tenant, z.provider, z.user_id, z.account, z.registration, z.expires_at
         FROM device_authorizations d JOIN authorizations z ON z.id = d.authorization_id
         WHERE d.next_poll_at <= ?1 ORDER BY d.next_poll_at LIMIT ?2",
    )
    .bind_time(by)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let due = rows.iter().map(|row| {
        Ok(DuePoll {
            authorization: row.id("id", AuthorizationId::from_bytes)?,
            key: row.key()?,
            registration: row.name("registration", RegistrationId::new)?,
            expires_at: row.time("expires_at")?,
        })
    });
    due.collect()
}

pub(crate) async fn put_off_all(
    connection: &mut SqliteConnection,
    polls: &[DuePoll],
    due_by: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    for poll in polls {
        let put_off = sqlx::query(
            "UPDATE device_authorizations SET next_poll_at = ?3
             WHERE tenant = ?1 AND authorization_id = ?2 AND next_poll_at <= ?4",
        );
        let put_off = of(put_off, &poll.key.tenant, poll.authorization).bind_time(until).bind_time(due_by);
        put_off.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// Commits nothing.
pub(crate) async fn claim(
    connection: &mut SqliteConnection,
    claim: &PollClaim,
    quota: Quota,
) -> Result<Option<ClaimedPoll>, StoreError> {
    let (tenant, id) = (&claim.tenant, claim.authorization);
    let row = sqlx::query(
        "SELECT * FROM device_authorizations WHERE tenant = ?1 AND authorization_id = ?2 AND next_poll_at <= ?3",
    );
    let row =
        of(row, tenant, id).bind_time(claim.at).fetch_optional(&mut *connection).await.map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let mut device = from_row(&row)?;
    device.polling.answer_lost |= take_over(connection, claim).await?;
    give_up_in_doubt(connection, claim, device.polling.answer_lost).await?;
    let step = exchange::Step {
        tenant,
        authorization: id,
        attempt: claim.attempt,
        owner: claim.owner,
        at: claim.at,
    };
    let attempt = match exchange::open(connection, &step, quota).await? {
        exchange::Opened::Attempt(attempt) => attempt,
        exchange::Opened::NotPending => {
            forget(connection, tenant, id).await?;
            return Ok(None);
        }
        exchange::Opened::OverQuota => {
            reopen(connection, tenant, id, None, claim.at).await?;
            put_off(connection, claim, device.polling.answer_lost, false).await?;
            return Ok(None);
        }
    };
    put_off(connection, claim, device.polling.answer_lost, true).await?;
    let authorization = consents::read(connection, tenant, id).await?;
    let authorization = authorization.ok_or(StoreError::Inconsistent("authorization_id"))?;
    Ok(Some(ClaimedPoll { attempt: *attempt, authorization, device }))
}

/// Closes the attempt of a poll whose broker has died. `true`: its answer may be lost.
async fn take_over(connection: &mut SqliteConnection, claim: &PollClaim) -> Result<bool, StoreError> {
    let taken = sqlx::query(
        "UPDATE attempts SET closed_at = ?3, conclusion = CASE WHEN sent_at IS NULL THEN 'unsent' ELSE 'uncertain' END
         WHERE tenant = ?1 AND closed_at IS NULL
           AND id = (SELECT attempt_id FROM device_authorizations WHERE authorization_id = ?2)
         RETURNING id, sent_at",
    );
    let taken = of(taken, &claim.tenant, claim.authorization).bind_time(claim.at);
    let Some(row) = taken.fetch_optional(&mut *connection).await.map_err(failed)? else { return Ok(false) };
    let attempt = row.id("id", broker_core::AttemptId::from_bytes)?;
    reopen(connection, &claim.tenant, claim.authorization, Some(attempt), claim.at).await?;
    Ok(row.optional_time("sent_at")?.is_some())
}

/// After a poll without tokens the authorization is pending again, unless its grant or tenant was revoked meanwhile.
async fn reopen(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AuthorizationId,
    polled: Option<broker_core::AttemptId>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let pending = sqlx::query(
        "UPDATE authorizations SET status = 'pending' WHERE tenant = ?1 AND id = ?2 AND status = 'exchanging'",
    );
    of(pending, tenant, id).execute(&mut *connection).await.map_err(failed)?;
    let revoked = sqlx::query(
        "UPDATE authorizations SET status = 'failed', failure = 'revoked', settled_at = ?3
         WHERE tenant = ?1 AND id = ?2 AND status = 'pending'
           AND (EXISTS (SELECT 1 FROM attempts a WHERE a.id = ?4 AND a.revoked_at IS NOT NULL)
                OR EXISTS (SELECT 1 FROM tenant_deletions d WHERE d.tenant = ?1))",
    );
    let polled = polled.map(|polled| polled.as_bytes().to_vec());
    of(revoked, tenant, id).bind_time(at).bind(polled).execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Late, and nobody knows whether the lost answer was the one with the tokens.
async fn give_up_in_doubt(
    connection: &mut SqliteConnection,
    claim: &PollClaim,
    answer_lost: bool,
) -> Result<(), StoreError> {
    let late = sqlx::query(
        "UPDATE authorizations SET status = 'failed', failure = 'uncertain', settled_at = ?3
         WHERE tenant = ?1 AND id = ?2 AND status = 'pending' AND expires_at <= ?3 AND ?4",
    );
    let late = of(late, &claim.tenant, claim.authorization).bind_time(claim.at).bind(answer_lost);
    late.execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Nobody else polls until the hold is over.
async fn put_off(
    connection: &mut SqliteConnection,
    claim: &PollClaim,
    answer_lost: bool,
    claimed: bool,
) -> Result<(), StoreError> {
    let held = sqlx::query(
        "UPDATE device_authorizations SET next_poll_at = ?3, answer_lost = ?4, attempt_id = ?5
         WHERE tenant = ?1 AND authorization_id = ?2",
    );
    let attempt = claimed.then(|| claim.attempt.as_bytes().to_vec());
    let held = of(held, &claim.tenant, claim.authorization).bind_time(claim.hold_until).bind(answer_lost);
    held.bind(attempt).execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn forget(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AuthorizationId,
) -> Result<(), StoreError> {
    let gone = sqlx::query("DELETE FROM device_authorizations WHERE tenant = ?1 AND authorization_id = ?2");
    of(gone, tenant, id).execute(connection).await.map_err(failed)?;
    Ok(())
}

pub(crate) async fn end(connection: &mut SqliteConnection, poll: &PollEnd) -> Result<bool, StoreError> {
    let attempt = &poll.end.attempt;
    let id = attempt.authorization().ok_or(StoreError::Inconsistent("authorization_id"))?;
    if !close::close(connection, &poll.end).await? {
        return Ok(false);
    }
    match &poll.after {
        AfterPoll::Again { polling, keeps_attempt } => {
            reopen(connection, &attempt.key.tenant, id, Some(attempt.id), poll.end.at).await?;
            poll_again(connection, attempt, id, polling).await?;
            if !keeps_attempt {
                delete_attempt(connection, attempt).await?;
            }
            return Ok(true);
        }
        AfterPoll::Denied => {
            let denied = "UPDATE authorizations SET status = 'denied', settled_at = ?3
                          WHERE tenant = ?1 AND id = ?2 AND status = 'pending'";
            settle(connection, attempt, id, denied, poll.end.at).await?;
        }
        AfterPoll::Expired => {
            let late = "UPDATE authorizations SET expires_at = min(expires_at, ?3)
                        WHERE tenant = ?1 AND id = ?2 AND status = 'pending'";
            settle(connection, attempt, id, late, poll.end.at).await?;
        }
        AfterPoll::Failed => {}
    }
    forget(connection, &attempt.key.tenant, id).await?;
    audit::write(connection, &poll.record).await?;
    Ok(true)
}

async fn settle(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    id: AuthorizationId,
    sql: &'static str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let settled = of(sqlx::query(sql), &attempt.key.tenant, id).bind_time(at);
    settled.execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn poll_again(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    id: AuthorizationId,
    polling: &Polling,
) -> Result<(), StoreError> {
    let again = sqlx::query(
        "UPDATE device_authorizations SET poll_interval = ?3, next_poll_at = ?4, failures = ?5, answer_lost = ?6
         WHERE tenant = ?1 AND authorization_id = ?2",
    );
    let again = of(again, &attempt.key.tenant, id).bind(millis(polling.interval)?).bind_time(polling.next_at);
    again.bind(polling.failures).bind(polling.answer_lost).execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn delete_attempt(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<(), StoreError> {
    let gone = sqlx::query("DELETE FROM attempts WHERE tenant = ?1 AND id = ?2");
    let gone = gone.bind(attempt.key.tenant.as_str()).bind(attempt.id.as_bytes().to_vec());
    gone.execute(connection).await.map_err(failed)?;
    Ok(())
}

fn of<'q>(statement: Statement<'q>, tenant: &TenantId, id: AuthorizationId) -> Statement<'q> {
    statement.bind(tenant.to_string()).bind(id.as_bytes().to_vec())
}

fn from_row(row: &SqliteRow) -> Result<DeviceAuthorization, StoreError> {
    Ok(DeviceAuthorization {
        code: row.sealed("device_code")?,
        polling: Polling {
            interval: Duration::from_millis(row.number("poll_interval")?),
            next_at: row.time("next_poll_at")?,
            failures: row.number("failures")?,
            answer_lost: row.flag("answer_lost")?,
        },
    })
}

fn millis(interval: Duration) -> Result<i64, StoreError> {
    i64::try_from(interval.as_millis()).map_err(|_| StoreError::Inconsistent("poll_interval"))
}
