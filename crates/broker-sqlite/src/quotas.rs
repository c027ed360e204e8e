//! What a tenant may have, counted in the transaction that has just made one more: whoever finds that it is too much rolls
//! that transaction back. There is one transaction at a time that writes.

use broker_core::ports::StoreError;
use broker_core::{GrantId, GrantKey, Quota, TenantId, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// Whether the tenant has more client registrations than it may have.
pub(crate) async fn registrations_exceed(
    connection: &mut SqliteConnection,
    quota: Quota,
    tenant: &TenantId,
) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT count(*) AS count FROM client_registrations WHERE tenant = ?1 AND deleted_at IS NULL",
    )
    .bind(tenant.as_str())
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(!quota.allows(row.number("count")?))
}

/// Whether there are more access policies about the tenant than there may be.
pub(crate) async fn policies_exceed(
    connection: &mut SqliteConnection,
    quota: Quota,
    tenant: &TenantId,
) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT count(*) AS count FROM access_policies WHERE tenant = ?1")
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(!quota.allows(row.number("count")?))
}

/// Whether the tenant has more webhooks than it may have.
pub(crate) async fn webhooks_exceed(
    connection: &mut SqliteConnection,
    quota: Quota,
    tenant: &TenantId,
) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT count(*) AS count FROM webhooks WHERE tenant = ?1")
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(!quota.allows(row.number("count")?))
}

/// Whether users of the tenant may complete more authorizations than there may be. The first one of a grant that lives is
/// never too much.
pub(crate) async fn authorizations_exceed(
    connection: &mut SqliteConnection,
    quota: Quota,
    key: &GrantKey,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = sqlx::query(
        "SELECT count(*) AS of_tenant,
                count(*) FILTER (WHERE provider = ?2 AND user_id = ?3 AND account = ?4) AS of_grant
         FROM authorizations WHERE tenant = ?1 AND status = 'pending' AND expires_at > ?5",
    )
    .bind_key(key)
    .bind_time(now)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let of_grant: u64 = row.number("of_grant")?;
    let exceeds = !quota.allows(row.number("of_tenant")?);
    Ok(exceeds && (of_grant > 1 || !grant_lives(connection, key.grant_id()).await?))
}

/// Whether the tenant would have more grants than it may have with this one. One that lives is never too much.
pub(crate) async fn grants_exceed(
    connection: &mut SqliteConnection,
    quota: Quota,
    key: &GrantKey,
) -> Result<bool, StoreError> {
    if grant_lives(connection, key.grant_id()).await? {
        return Ok(false);
    }
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM grants g WHERE g.tenant = ?1 AND g.revoked_at IS NULL)
              + (SELECT count(DISTINCT a.grant_id) FROM attempts a INDEXED BY attempts_open
                 WHERE a.tenant = ?1 AND a.kind <> 'refresh' AND a.closed_at IS NULL AND a.grant_id <> ?2
                   AND NOT EXISTS (SELECT 1 FROM grants l WHERE l.id = a.grant_id AND l.revoked_at IS NULL))
                AS others",
    )
    .bind(key.tenant.as_str())
    .bind(key.grant_id().as_bytes().as_slice())
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    let others: u64 = row.number("others")?;
    Ok(!quota.allows(others + 1))
}

/// Whether the grant is there, and nobody has asked to revoke it.
async fn grant_lives(connection: &mut SqliteConnection, grant: GrantId) -> Result<bool, StoreError> {
    sqlx::query("SELECT EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND revoked_at IS NULL) AS lives")
        .bind(grant.as_bytes().as_slice())
        .fetch_one(connection)
        .await
        .map_err(failed)?
        .flag("lives")
}
