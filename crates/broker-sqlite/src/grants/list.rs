//! Pages of grants, in the order of their keys.

use std::cmp::Ordering;

use broker_core::Grant;
use broker_core::ports::{GrantFilter, StoreError};
use sqlx::SqliteConnection;

use super::rows::{self, grant_columns, lifecycle_words};
use crate::operation::failed;

/// One statement for every filter: an absent field is NULL, an absent start is the empty key, which comes
/// before every real one. The comparison of row values lets a deep page start in the index where the last ended.
const SQL: &str = concat!(
    "SELECT ",
    grant_columns!(),
    " FROM grants g JOIN grant_secrets s ON s.grant_id = g.id
     WHERE g.tenant = ?1 AND (g.provider, g.user_id, g.account) > (?2, ?3, ?4)
       AND (?5 IS NULL OR g.provider = ?5)
       AND (?6 IS NULL OR g.user_id = ?6)
       AND (?7 IS NULL OR g.registration = ?7)
       AND (?8 IS NULL OR instr(?8, ' ' || g.lifecycle || ' ') > 0)
     ORDER BY g.tenant, g.provider, g.user_id, g.account LIMIT ?9"
);

pub(crate) async fn page(
    connection: &mut SqliteConnection,
    filter: &GrantFilter,
) -> Result<Vec<Grant>, StoreError> {
    let Some([provider, user, account]) = start(filter) else { return Ok(Vec::new()) };
    sqlx::query(SQL)
        .bind(filter.tenant.as_str())
        .bind(provider)
        .bind(user)
        .bind(account)
        .bind(filter.provider.as_ref().map(|provider| provider.as_str()))
        .bind(filter.user.as_ref().map(|user| user.as_str()))
        .bind(filter.registration.as_ref().map(|registration| registration.as_str()))
        .bind(lifecycles(filter))
        .bind(filter.limit)
        .fetch_all(connection)
        .await
        .map_err(failed)?
        .iter()
        .map(rows::grant)
        .collect()
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

/// The wanted words with a space around each; `None` if any is wanted.
fn lifecycles(filter: &GrantFilter) -> Option<String> {
    let words: Vec<_> = filter.lifecycles.iter().map(|lifecycle| lifecycle_words(*lifecycle).0).collect();
    (!words.is_empty()).then(|| format!(" {} ", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plan_of;

    #[tokio::test]
    async fn a_deep_page_starts_in_the_index_and_is_not_sorted() {
        let plan = plan_of(SQL).await;
        let range = "(tenant=? AND (provider,user_id,account)>(?,?,?))";
        assert!(plan[0].contains("SEARCH g USING INDEX") && plan[0].contains(range), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
}
