//! How many grants there are, in which state: the one read of all of them.

use broker_core::ports::{DYING_WITHIN, ProviderGrants, StoreError};
use broker_core::{ProviderName, Timestamp};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// What is not refreshed is due at no time, and dies with each access token: that is no news.
const COUNT: &str = "SELECT provider,
    count(*) FILTER (WHERE lifecycle = 'active') AS active,
    count(*) FILTER (WHERE lifecycle = 'needs_consent') AS needs_consent,
    count(*) FILTER (WHERE lifecycle = 'consent_expired') AS consent_expired,
    count(*) FILTER (WHERE lifecycle = 'revoking') AS revoking,
    count(*) FILTER (WHERE lifecycle = 'revoked') AS revoked,
    count(*) FILTER (WHERE lifecycle = 'active' AND phase = 'claimed') AS claimed,
    count(*) FILTER (WHERE lifecycle = 'active' AND phase = 'sent') AS sent,
    count(*) FILTER (WHERE lifecycle = 'active' AND phase = 'uncertain') AS uncertain,
    count(*) FILTER (WHERE lifecycle = 'active' AND phase = 'suspect') AS suspect,
    count(*) FILTER (WHERE lifecycle = 'active' AND due_at IS NOT NULL AND dies_at <= ?2) AS dying_1,
    count(*) FILTER (WHERE lifecycle = 'active' AND due_at IS NOT NULL AND dies_at <= ?3) AS dying_2,
    count(*) FILTER (WHERE lifecycle = 'active' AND due_at IS NOT NULL AND dies_at <= ?4) AS dying_3,
    count(*) FILTER (WHERE lifecycle = 'active' AND due_at IS NOT NULL AND dies_at <= ?5) AS dying_4,
    count(*) FILTER (WHERE lifecycle = 'active' AND expires_at <= ?1) AS without_valid_token,
    min(due_at) FILTER (
        WHERE lifecycle = 'active' AND due_at <= ?1
          AND tenant NOT IN (SELECT tenant FROM refresh_pauses WHERE tenant IS NOT NULL AND expires_at > ?1)
          AND provider NOT IN (SELECT provider FROM refresh_pauses WHERE provider IS NOT NULL AND expires_at > ?1)
    ) AS due_since
    FROM grants GROUP BY provider ORDER BY provider";

pub(super) async fn read(pool: &SqlitePool, now: Timestamp) -> Result<Vec<ProviderGrants>, StoreError> {
    let query = DYING_WITHIN
        .iter()
        .fold(sqlx::query(COUNT).bind_time(now), |query, within| query.bind_time(now + *within));
    query.fetch_all(pool).await.map_err(failed)?.iter().map(of_provider).collect()
}

fn of_provider(row: &SqliteRow) -> Result<ProviderGrants, StoreError> {
    Ok(ProviderGrants {
        provider: row.name("provider", ProviderName::new)?,
        active: row.number("active")?,
        needs_consent: row.number("needs_consent")?,
        consent_expired: row.number("consent_expired")?,
        revoking: row.number("revoking")?,
        revoked: row.number("revoked")?,
        claimed: row.number("claimed")?,
        sent: row.number("sent")?,
        uncertain: row.number("uncertain")?,
        suspect: row.number("suspect")?,
        dying: [
            row.number("dying_1")?,
            row.number("dying_2")?,
            row.number("dying_3")?,
            row.number("dying_4")?,
        ],
        without_valid_token: row.number("without_valid_token")?,
        due_since: row.optional_time("due_since")?,
    })
}
