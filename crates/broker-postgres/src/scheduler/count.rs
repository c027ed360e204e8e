//! How many grants there are, in which state: the one read of all of them.

use std::time::Duration;

use broker_core::ports::{DYING_WITHIN, ProviderGrants, StoreError};
use broker_core::{ProviderName, Timestamp};
use sqlx::PgPool;

use crate::columns::{name, time};
use crate::operation::failed;
use crate::scope;

/// How long it may take, which is longer than the server gives other statements: nobody waits for it.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Reads two tables from end to end, and none with secrets. What is not refreshed is due at no time, and dies with each
/// access token: that is no news. Pauses are few: they are read once, as two arrays.
pub(super) async fn read(pool: &PgPool, now: Timestamp) -> Result<Vec<ProviderGrants>, StoreError> {
    let by = |within: Duration| (now + within).as_unix_micros();
    let mut tx = scope::of_all(pool).await?;
    sqlx::query_scalar!("SELECT set_config('statement_timeout', $1, true)", LIMIT.as_millis().to_string())
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
    let rows = sqlx::query!(
        r#"SELECT r.provider,
                  count(*) FILTER (WHERE r.lifecycle = 'active') AS "active!",
                  count(*) FILTER (WHERE r.lifecycle = 'needs_consent') AS "needs_consent!",
                  count(*) FILTER (WHERE r.lifecycle = 'consent_expired') AS "consent_expired!",
                  count(*) FILTER (WHERE r.lifecycle = 'revoking') AS "revoking!",
                  count(*) FILTER (WHERE r.lifecycle = 'revoked') AS "revoked!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND r.phase = 'claimed') AS "claimed!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND r.phase = 'sent') AS "sent!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND r.phase = 'uncertain') AS "uncertain!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND r.phase = 'suspect') AS "suspect!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND r.due_at IS NOT NULL AND g.dies_at <= $2) AS "dying_1!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND r.due_at IS NOT NULL AND g.dies_at <= $3) AS "dying_2!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND r.due_at IS NOT NULL AND g.dies_at <= $4) AS "dying_3!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND r.due_at IS NOT NULL AND g.dies_at <= $5) AS "dying_4!",
                  count(*) FILTER (WHERE r.lifecycle = 'active' AND g.expires_at <= $1) AS "without_valid_token!",
                  min(r.due_at) FILTER (
                      WHERE r.lifecycle = 'active' AND r.due_at <= $1
                        AND r.tenant <> ALL (ARRAY(SELECT p.tenant FROM refresh_pauses p
                                                   WHERE p.tenant IS NOT NULL AND p.expires_at > $1))
                        AND r.provider <> ALL (ARRAY(SELECT p.provider FROM refresh_pauses p
                                                     WHERE p.provider IS NOT NULL AND p.expires_at > $1))
                  ) AS due_since
           FROM grant_rotation r JOIN grants g ON g.id = r.grant_id
           GROUP BY r.provider ORDER BY r.provider"#,
        now.as_unix_micros(),
        by(DYING_WITHIN[0]),
        by(DYING_WITHIN[1]),
        by(DYING_WITHIN[2]),
        by(DYING_WITHIN[3]),
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    let counts = rows.into_iter().map(|row| {
        Ok(ProviderGrants {
            provider: name(row.provider, ProviderName::new, "provider")?,
            active: row.active.unsigned_abs(),
            needs_consent: row.needs_consent.unsigned_abs(),
            consent_expired: row.consent_expired.unsigned_abs(),
            revoking: row.revoking.unsigned_abs(),
            revoked: row.revoked.unsigned_abs(),
            claimed: row.claimed.unsigned_abs(),
            sent: row.sent.unsigned_abs(),
            uncertain: row.uncertain.unsigned_abs(),
            suspect: row.suspect.unsigned_abs(),
            dying: [row.dying_1, row.dying_2, row.dying_3, row.dying_4].map(i64::unsigned_abs),
            without_valid_token: row.without_valid_token.unsigned_abs(),
            due_since: time(row.due_since),
        })
    });
    counts.collect()
}
