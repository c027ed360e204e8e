//! What a tenant may have, counted in the transaction that has just made one more: whoever finds that it is too much rolls
//! that transaction back. Of the transactions of one tenant that make one kind of thing, one at a time counts and commits.
//! The lock for that is the last that each takes, so none waits for another while it holds it.

use broker_core::ports::StoreError;
use broker_core::{GrantId, GrantKey, Quota, TenantId, Timestamp};
use sqlx::PgConnection;

use crate::columns::{number, uuid};
use crate::operation::failed;

/// Whether the tenant has more client registrations than it may have.
pub(crate) async fn registrations_exceed(
    connection: &mut PgConnection,
    quota: Quota,
    tenant: &TenantId,
) -> Result<bool, StoreError> {
    take_turn(connection, quota, tenant).await?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM client_registrations WHERE tenant = $1 AND deleted_at IS NULL"#,
        tenant.as_str(),
    );
    exceeds(quota, count.fetch_one(connection).await.map_err(failed)?)
}

/// Whether there are more access policies about the tenant than there may be.
pub(crate) async fn policies_exceed(
    connection: &mut PgConnection,
    quota: Quota,
    tenant: &TenantId,
) -> Result<bool, StoreError> {
    take_turn(connection, quota, tenant).await?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM access_policies WHERE tenant = $1"#,
        tenant.as_str(),
    );
    exceeds(quota, count.fetch_one(connection).await.map_err(failed)?)
}

/// Whether the tenant has more webhooks than it may have.
pub(crate) async fn webhooks_exceed(
    connection: &mut PgConnection,
    quota: Quota,
    tenant: &TenantId,
) -> Result<bool, StoreError> {
    take_turn(connection, quota, tenant).await?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM webhooks WHERE tenant = $1"#,
        tenant.as_str()
    );
    exceeds(quota, count.fetch_one(connection).await.map_err(failed)?)
}

/// Whether users of the tenant may complete more authorizations than there may be. The first one of a grant that lives is
/// never too much.
pub(crate) async fn authorizations_exceed(
    connection: &mut PgConnection,
    quota: Quota,
    key: &GrantKey,
    now: Timestamp,
) -> Result<bool, StoreError> {
    take_turn(connection, quota, &key.tenant).await?;
    let pending = sqlx::query!(
        r#"SELECT count(*) AS "of_tenant!", count(*) FILTER (WHERE grant_id = $3) AS "of_grant!"
           FROM authorizations WHERE tenant = $1 AND status = 'pending' AND expires_at > $2"#,
        key.tenant.as_str(),
        now.as_unix_micros(),
        uuid(key.grant_id().as_bytes()),
    );
    let pending = pending.fetch_one(&mut *connection).await.map_err(failed)?;
    let exceeds = exceeds(quota, pending.of_tenant)?;
    Ok(exceeds && (pending.of_grant > 1 || !grant_lives(connection, key.grant_id()).await?))
}

/// Whether the tenant would have more grants than it may have with this one, for which a code is being exchanged. One that
/// lives is never too much.
pub(crate) async fn grants_exceed(
    connection: &mut PgConnection,
    quota: Quota,
    key: &GrantKey,
) -> Result<bool, StoreError> {
    if grant_lives(connection, key.grant_id()).await? {
        return Ok(false);
    }
    take_turn(connection, quota, &key.tenant).await?;
    would_exceed(connection, quota, key).await
}

/// The same as it looks now, without a turn: in a moment it may be otherwise.
pub(crate) async fn grants_seem_to_exceed(
    connection: &mut PgConnection,
    quota: Quota,
    key: &GrantKey,
) -> Result<bool, StoreError> {
    Ok(!grant_lives(connection, key.grant_id()).await? && would_exceed(connection, quota, key).await?)
}

async fn would_exceed(
    connection: &mut PgConnection,
    quota: Quota,
    key: &GrantKey,
) -> Result<bool, StoreError> {
    // One statement sees an exchange open, or the grant it has made. The condition on the owner is for the index of what
    // is open.
    let others = sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM grants g WHERE g.tenant = $1 AND g.revoked_at IS NULL)
                + (SELECT count(DISTINCT a.grant_id) FROM attempts a
                   WHERE a.tenant = $1 AND a.kind <> 'refresh' AND a.closed_at IS NULL AND a.owner IS NOT NULL
                     AND a.grant_id <> $2
                     AND NOT EXISTS (SELECT 1 FROM grants l WHERE l.id = a.grant_id AND l.revoked_at IS NULL))
                  AS "others!""#,
        key.tenant.as_str(),
        uuid(key.grant_id().as_bytes()),
    );
    exceeds(quota, others.fetch_one(connection).await.map_err(failed)? + 1)
}

/// Whether the grant is there, and nobody has asked to revoke it.
async fn grant_lives(connection: &mut PgConnection, grant: GrantId) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM grants WHERE id = $1 AND revoked_at IS NULL) AS "lives!""#,
        uuid(grant.as_bytes()),
    )
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Waits until whoever of this tenant makes the same kind of thing has committed.
async fn take_turn(connection: &mut PgConnection, quota: Quota, tenant: &TenantId) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 20262))",
        quota.kind.as_str(),
        tenant.as_str(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

fn exceeds(quota: Quota, count: i64) -> Result<bool, StoreError> {
    Ok(!quota.allows(number(count, "count")?))
}
