//! Records that are in no chain yet.

use broker_core::KeptRecord;
use broker_core::ports::{InboxRecord, StoreError};
use sqlx::PgPool;

use super::rows::{Arrays, Inbox};
use crate::operation::failed;

pub(super) async fn append(pool: &PgPool, records: &[KeptRecord]) -> Result<(), StoreError> {
    let columns = Arrays::of(records.iter());
    sqlx::query!(
        "INSERT INTO audit_inbox (at, tenant, principal, action, provider, user_id, account, resource, generation,
                                  outcome, reason, purpose, fingerprint)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                              $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bytea[])",
        &columns.at,
        &columns.tenant,
        &columns.principal as _,
        &columns.action,
        &columns.provider as _,
        &columns.user as _,
        &columns.account as _,
        &columns.resource,
        &columns.generation as _,
        &columns.outcome,
        &columns.reason,
        &columns.purpose,
        &columns.fingerprint as _,
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn oldest(pool: &PgPool, limit: u32) -> Result<Vec<InboxRecord>, StoreError> {
    let rows = sqlx::query_as!(
        Inbox,
        r#"SELECT inbox.id, coalesce(tenants.id, '') AS "chain!", inbox.at, inbox.tenant, inbox.principal, inbox.action,
                  inbox.provider, inbox.user_id, inbox.account, inbox.resource, inbox.generation, inbox.outcome,
                  inbox.reason, inbox.purpose, inbox.fingerprint
           FROM audit_inbox inbox LEFT JOIN tenants ON tenants.id = inbox.tenant
           ORDER BY inbox.id LIMIT $1"#,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(InboxRecord::from).collect())
}
