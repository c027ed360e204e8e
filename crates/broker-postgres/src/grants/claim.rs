//! Opening refresh attempts: the only statement that reads refresh tokens.

use std::sync::Arc;

use broker_core::ports::{ClaimOutcome, ClaimedRefresh, RefreshClaim, SentBefore, StoreError};
use broker_core::{Attempt, AttemptId, AttemptKind, AttemptPhase, Grant, GrantId, Timestamp};
use broker_crypto::Sealed;
use sqlx::PgPool;
use uuid::Uuid;

use super::attempts;
use super::rows::{GrantRow, grant_row};
use crate::batch::{Answers, Batch};
use crate::columns::{generation, kept, number, time, uuid};
use crate::fleet::Seen;

/// Claims that come at the same time.
pub(crate) struct Claims {
    pub(crate) pool: PgPool,
    pub(crate) seen: Arc<Seen>,
}

impl Batch for Claims {
    type Ask = RefreshClaim;
    type Answer = ClaimOutcome;
    const NAME: &'static str = "claim_refresh";

    fn grant(claim: &RefreshClaim) -> GrantId {
        claim.key.grant_id()
    }

    async fn run(&self, claims: &[RefreshClaim]) -> Result<Answers<Self>, sqlx::Error> {
        let mut judged: Vec<Option<Judged>> = claims.iter().map(|_| None).collect();
        for row in self.judge(claims).await? {
            if let Some(place) = usize::try_from(row.n).ok().and_then(|n| judged.get_mut(n)) {
                *place = Some(row);
            }
        }
        let mut outcomes = Vec::with_capacity(claims.len());
        for (claim, judged) in claims.iter().zip(judged) {
            outcomes.push(match judged {
                None => Ok(ClaimOutcome::Absent),
                Some(judged) => self.outcome(claim, judged).await,
            });
        }
        Ok(outcomes)
    }
}

/// A claim of a grant that is there, judged.
struct Judged {
    n: i32,
    outcome: String,
    detail: Option<i64>,
    busy: Option<Uuid>,
    presentation_no: Option<i32>,
    before: GrantRow,
    access_token: Option<Vec<u8>>,
    refresh_token: Option<Vec<u8>>,
    asked_at: Option<i64>,
    sent_before: Option<SentBefore>,
}

impl Claims {
    async fn judge(&self, claims: &[RefreshClaim]) -> Result<Vec<Judged>, sqlx::Error> {
        let ids: Vec<Uuid> = claims.iter().map(|c| uuid(c.key.grant_id().as_bytes())).collect();
        let tenants: Vec<String> = claims.iter().map(|c| c.key.tenant.to_string()).collect();
        let providers: Vec<String> = claims.iter().map(|c| c.key.provider.to_string()).collect();
        let users: Vec<String> = claims.iter().map(|c| c.key.user.to_string()).collect();
        let accounts: Vec<String> = claims.iter().map(|c| c.key.account.to_string()).collect();
        let generations: Vec<i64> = claims.iter().map(|c| kept(c.generation)).collect();
        let attempts: Vec<Uuid> = claims.iter().map(|c| uuid(c.attempt.as_bytes())).collect();
        let owners: Vec<Uuid> = claims.iter().map(|c| uuid(c.owner.as_bytes())).collect();
        let ats: Vec<i64> = claims.iter().map(|c| c.at.as_unix_micros()).collect();
        let holds: Vec<i64> = claims.iter().map(|c| c.hold_until.as_unix_micros()).collect();
        let epochs: Vec<i64> = claims.iter().map(|c| c.epoch.0.cast_signed()).collect();
        let canaries: Vec<i64> = claims.iter().map(|c| c.canary_until.as_unix_micros()).collect();
        sqlx::query!(
            r#"SELECT c.n AS "n!", c.outcome AS "outcome!", c.detail, c.busy, c.presentation_no, c.access_token,
                      c.refresh_token, c.asked_at, c.first_sent_at, c.last_sent_at,
                      (c.before).id AS "id!", (c.before).tenant AS "tenant!", (c.before).provider AS "provider!",
                      (c.before).user_id AS "user_id!", (c.before).account AS "account!",
                      (c.before).registration AS "registration!", (c.before).lineage AS "lineage!",
                      (c.before).generation AS "generation!", (c.before).lifecycle AS "lifecycle!",
                      (c.before).consent_cause AS consent_cause, (c.before).phase AS "phase!",
                      (c.before).tainted AS "tainted!", (c.before).refresh_token_generation AS refresh_token_generation,
                      (c.before).token_type AS "token_type!", (c.before).scopes AS "scopes!",
                      (c.before).api_base_url AS api_base_url, (c.before).issued_at AS "issued_at!",
                      (c.before).expires_at AS "expires_at!", (c.before).consented_at AS "consented_at!",
                      (c.before).dies_at AS dies_at, (c.before).due_at AS due_at,
                      (c.before).refreshed_at AS refreshed_at, (c.before).failure_kind AS failure_kind,
                      (c.before).failure_at AS failure_at, (c.before).failure_since AS failure_since,
                      (c.before).failure_in_a_row AS failure_in_a_row,
                      (c.before).failure_oauth_error AS failure_oauth_error,
                      (c.before).failure_http_status AS failure_http_status, (c.before).created_at AS "created_at!",
                      (c.before).updated_at AS "updated_at!", (c.before).revocation AS revocation,
                      (c.before).upstream_account AS upstream_account
               FROM claim_refreshes(ARRAY(
                   SELECT ROW(q.n - 1, q.grant_id, q.tenant, q.provider, q.user_id, q.account, q.generation, q.attempt,
                              q.owner, q.at, q.hold_until, q.epoch, q.canary_until)::refresh_claim
                   FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::uuid[],
                               $8::uuid[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
                        WITH ORDINALITY AS q (grant_id, tenant, provider, user_id, account, generation, attempt, owner,
                                              at, hold_until, epoch, canary_until, n)
               ), $13) c"#,
            &ids,
            &tenants,
            &providers,
            &users,
            &accounts,
            &generations,
            &attempts,
            &owners,
            &ats,
            &holds,
            &epochs,
            &canaries,
            self.seen.beats(),
        )
        .map(|row| Judged {
            n: row.n,
            sent_before: sent_before(row.first_sent_at, row.last_sent_at),
            outcome: row.outcome,
            detail: row.detail,
            busy: row.busy,
            presentation_no: row.presentation_no,
            access_token: row.access_token,
            refresh_token: row.refresh_token,
            asked_at: row.asked_at,
            before: grant_row!(row),
        })
        .fetch_all(&self.pool)
        .await
    }

    async fn outcome(&self, claim: &RefreshClaim, judged: Judged) -> Result<ClaimOutcome, StoreError> {
        match (judged.outcome.as_str(), judged.detail, judged.busy) {
            ("claimed", None, None) => claimed(claim, judged),
            ("newer", Some(newer), None) => Ok(ClaimOutcome::Newer(generation(newer, "generation")?)),
            ("older", ..) => {
                Err(StoreError::Inconsistent("a grant's generation is lower than one seen before"))
            }
            ("busy", None, Some(id)) => self.busy(claim, AttemptId::from_bytes(id.into_bytes())).await,
            ("undecided", Some(until), None) => {
                Ok(ClaimOutcome::Undecided(Timestamp::from_unix_micros(until)))
            }
            ("registration_paused", Some(until), None) => {
                Ok(ClaimOutcome::RegistrationPaused(Timestamp::from_unix_micros(until)))
            }
            ("other_epoch", ..) => Ok(ClaimOutcome::OtherEpoch),
            ("not_refreshable", ..) => Ok(ClaimOutcome::NotRefreshable),
            _ => Err(StoreError::Inconsistent("a claim has an outcome nobody knows")),
        }
    }

    /// The open attempt, read apart: the claim has found it, and most claims find none.
    async fn busy(&self, claim: &RefreshClaim, id: AttemptId) -> Result<ClaimOutcome, StoreError> {
        let open = attempts::read(&self.pool, &claim.key.tenant, id).await?;
        let open = open.ok_or(StoreError::Inconsistent("an open attempt is gone"))?;
        Ok(ClaimOutcome::Busy(Box::new(open)))
    }
}

fn sent_before(first: Option<i64>, last: Option<i64>) -> Option<SentBefore> {
    Some(SentBefore { first: time(first)?, last: time(last)? })
}

fn claimed(claim: &RefreshClaim, judged: Judged) -> Result<ClaimOutcome, StoreError> {
    let sealed_for = judged.before.refresh_token_generation;
    let (Some(access_token), Some(refresh_token), Some(sealed_for), Some(presentation_no)) =
        (judged.access_token, judged.refresh_token, sealed_for, judged.presentation_no)
    else {
        return Err(StoreError::Inconsistent("a claimed grant lacks its tokens"));
    };
    let before = judged.before.grant()?;
    Ok(ClaimOutcome::Claimed(Box::new(ClaimedRefresh {
        attempt: attempt(claim, &before, number(presentation_no, "presentation_no")?),
        before,
        access_token: Sealed::from_bytes(access_token),
        refresh_token: Sealed::from_bytes(refresh_token),
        refresh_token_generation: generation(sealed_for, "refresh_token_generation")?,
        asked_at: time(judged.asked_at),
        sent_before: judged.sent_before,
    })))
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
