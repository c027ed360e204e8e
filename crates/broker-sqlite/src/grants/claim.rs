//! Opening a refresh attempt: the only statement that reads a refresh token.

use broker_core::ports::{ClaimOutcome, ClaimedRefresh, RefreshClaim, StoreError};
use broker_core::{Attempt, AttemptId, AttemptKind, AttemptPhase, Grant, GrantId, GrantKey, Lifecycle};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::rows::{self, grant_columns};
use super::{attempts, pauses};
use crate::columns::{BindDomain, Columns};
use crate::history::{self, Seen};
use crate::operation::failed;

pub(crate) async fn refresh(
    connection: &mut SqliteConnection,
    claim: &RefreshClaim,
    seen: Seen,
) -> Result<ClaimOutcome, StoreError> {
    if !history::read(connection).await?.is(claim.epoch, seen) {
        return Ok(ClaimOutcome::OtherEpoch);
    }
    let Some(row) = select(connection, &claim.key).await? else { return Ok(ClaimOutcome::Absent) };
    let before = rows::grant(&row)?;
    if let Some(refusal) = refusal(connection, claim, &before).await? {
        return Ok(refusal);
    }
    let presentation_no = attempts::next_presentation_no(connection, before.id, before.generation).await?;
    let sent_before = attempts::times_sent(connection, before.id, before.lineage, before.generation).await?;
    let attempt = attempt(claim, &before, presentation_no);
    attempts::insert(connection, &attempt).await?;
    hold(connection, claim).await?;
    Ok(ClaimOutcome::Claimed(Box::new(ClaimedRefresh {
        attempt,
        before,
        access_token: row.sealed("access_token")?,
        refresh_token: row.sealed("refresh_token")?,
        refresh_token_generation: row.generation("refresh_token_generation")?,
        asked_at: row.optional_time("asked_at")?,
        sent_before,
    })))
}

async fn select(connection: &mut SqliteConnection, key: &GrantKey) -> Result<Option<SqliteRow>, StoreError> {
    sqlx::query(concat!(
        "SELECT ",
        grant_columns!(),
        ", s.access_token, s.refresh_token, k.asked_at
         FROM grants g JOIN grant_secrets s ON s.grant_id = g.id LEFT JOIN grants_asked k ON k.grant_id = g.id
         WHERE g.tenant = ?1 AND g.provider = ?2 AND g.user_id = ?3 AND g.account = ?4"
    ))
    .bind_key(key)
    .fetch_optional(connection)
    .await
    .map_err(failed)
}

/// Why the grant cannot be claimed. A newer generation comes first: the caller then reads what else is new.
async fn refusal(
    connection: &mut SqliteConnection,
    claim: &RefreshClaim,
    grant: &Grant,
) -> Result<Option<ClaimOutcome>, StoreError> {
    if grant.generation > claim.generation {
        return Ok(Some(ClaimOutcome::Newer(grant.generation)));
    }
    if grant.generation < claim.generation {
        return Err(StoreError::Inconsistent("a grant's generation is lower than one seen before"));
    }
    if grant.lifecycle != Lifecycle::Active || !grant.refreshable {
        return Ok(Some(ClaimOutcome::NotRefreshable));
    }
    if let Some(open) = open_refresh(connection, claim, grant.id).await? {
        return Ok(Some(ClaimOutcome::Busy(Box::new(open))));
    }
    if let Some(until) = grant.undecided_until(claim.at) {
        return Ok(Some(ClaimOutcome::Undecided(until)));
    }
    // Last, because it makes this claim the canary.
    Ok(pauses::paused_until(connection, claim, grant).await?.map(ClaimOutcome::RegistrationPaused))
}

async fn open_refresh(
    connection: &mut SqliteConnection,
    claim: &RefreshClaim,
    grant: GrantId,
) -> Result<Option<Attempt>, StoreError> {
    let open =
        sqlx::query("SELECT id FROM attempts WHERE grant_id = ?1 AND closed_at IS NULL AND kind = 'refresh'")
            .bind(grant.as_bytes().as_slice())
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
    match open {
        Some(row) => {
            attempts::read(connection, &claim.key.tenant, row.id("id", AttemptId::from_bytes)?).await
        }
        None => Ok(None),
    }
}

fn attempt(claim: &RefreshClaim, before: &Grant, presentation_no: u32) -> Attempt {
    Attempt {
        id: claim.attempt,
        kind: AttemptKind::Refresh,
        key: claim.key.clone(),
        registration: before.registration.clone(),
        lineage: before.lineage,
        generation: before.generation,
        presentation_no,
        owner: claim.owner,
        claimed_at: claim.at,
        sent_at: None,
        phase: AttemptPhase::Claimed,
    }
}

/// Takes the grant out of the due range, so that no tick finds it again while the attempt is open.
async fn hold(connection: &mut SqliteConnection, claim: &RefreshClaim) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE grants SET phase = 'claimed', due_at = ?5, updated_at = ?6
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4",
    )
    .bind_key(&claim.key)
    .bind_time(claim.hold_until)
    .bind_time(claim.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
