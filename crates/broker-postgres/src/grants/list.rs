//! Pages of grants, in the order of their keys.

use std::cmp::Ordering;

use broker_core::Grant;
use broker_core::ports::{GrantFilter, StoreError};
use sqlx::PgPool;

use super::rows::{GrantRow, lifecycle_words};
use crate::operation::failed;
use crate::scope;

/// One statement for every filter: an absent field is NULL, an absent start is the empty key, which comes before every
/// real one. The comparison of row values lets a deep page start in the index where the last ended.
pub(crate) async fn page(pool: &PgPool, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError> {
    let Some([provider, user, account]) = start(filter) else { return Ok(Vec::new()) };
    let mut tx = scope::of_tenant(pool, &filter.tenant).await?;
    let rows = sqlx::query_as!(
        GrantRow,
        r#"SELECT g.id AS "id!", g.tenant AS "tenant!", g.provider AS "provider!", g.user_id AS "user_id!",
                  g.account AS "account!", g.registration AS "registration!", g.lineage AS "lineage!",
                  g.generation AS "generation!", g.lifecycle AS "lifecycle!", g.consent_cause, g.phase AS "phase!",
                  g.tainted AS "tainted!", g.refresh_token_generation, g.token_type AS "token_type!",
                  g.scopes AS "scopes!", g.api_base_url, g.issued_at AS "issued_at!", g.expires_at AS "expires_at!",
                  g.consented_at AS "consented_at!", g.dies_at, g.due_at, g.refreshed_at, g.failure_kind,
                  g.failure_at, g.failure_since, g.failure_in_a_row, g.failure_oauth_error, g.failure_http_status,
                  g.created_at AS "created_at!", g.updated_at AS "updated_at!", g.revocation, g.upstream_account
           FROM grant_rows g
           WHERE g.tenant = $1 AND (g.provider, g.user_id, g.account) > ($2, $3, $4)
             AND ($5::text IS NULL OR g.provider = $5)
             AND ($6::text IS NULL OR g.user_id = $6)
             AND ($7::text IS NULL OR g.registration = $7)
             AND ($8::text[] IS NULL OR g.lifecycle = ANY ($8))
           ORDER BY g.tenant, g.provider, g.user_id, g.account LIMIT $9"#,
        filter.tenant.as_str(),
        provider,
        user,
        account,
        filter.provider.as_ref().map(|provider| provider.as_str()),
        filter.user.as_ref().map(|user| user.as_str()),
        filter.registration.as_ref().map(|registration| registration.as_str()),
        lifecycles(filter) as Option<Vec<String>>,
        i64::from(filter.limit),
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    rows.into_iter().map(GrantRow::grant).collect()
}

/// Where the page starts within the tenant; `None` if every key of the tenant comes before.
fn start(filter: &GrantFilter) -> Option<[&str; 3]> {
    let Some(after) = &filter.after else { return Some([""; 3]) };
    match after.tenant.cmp(&filter.tenant) {
        Ordering::Less => Some([""; 3]),
        Ordering::Equal => Some([after.provider.as_str(), after.user.as_str(), after.account.as_str()]),
        Ordering::Greater => None,
    }
}

/// The wanted words; `None` if any is wanted.
fn lifecycles(filter: &GrantFilter) -> Option<Vec<String>> {
    let words = filter.lifecycles.iter().map(|lifecycle| lifecycle_words(*lifecycle).0.to_owned());
    (!filter.lifecycles.is_empty()).then(|| words.collect())
}
