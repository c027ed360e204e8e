//! The statements about machine credentials, each in a transaction that names its tenant.

use broker_core::ports::{ChangeOutcome, MachineCredentialFilter, MachineCredentialOutcome, StoreError};
use broker_core::{GrantKey, MachineCredential, Quota, RowVersion, TenantId};
use sqlx::PgConnection;

use super::rows::{CredentialRow, HeldColumns};
use crate::columns::{kept_version, number, uuid, version};
use crate::operation::failed;

/// Why a new one is not kept, if it is not.
pub(super) async fn refusal(
    connection: &mut PgConnection,
    credential: &MachineCredential,
    quota: Quota,
) -> Result<Option<MachineCredentialOutcome>, StoreError> {
    let key = &credential.key;
    // The tenant's row is held, so that neither a deletion begins nor another one is counted meanwhile.
    let tenant =
        sqlx::query_scalar!("SELECT true FROM tenants WHERE id = $1 FOR UPDATE", key.tenant.as_str());
    if tenant.fetch_optional(&mut *connection).await.map_err(failed)?.is_none() {
        return Ok(Some(MachineCredentialOutcome::NoTenant));
    }
    lock(connection, key).await?;
    let found = sqlx::query!(
        r#"SELECT EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = $1) AS "deleting!",
                  EXISTS (SELECT 1 FROM machine_credentials WHERE grant_id = $2) AS "taken!",
                  EXISTS (SELECT 1 FROM grant_rotation WHERE grant_id = $2 AND lifecycle <> 'revoked')
                  OR EXISTS (SELECT 1 FROM authorizations WHERE tenant = $1 AND grant_id = $2
                             AND (status = 'exchanging' OR status = 'pending' AND expires_at > $3)) AS "has_grant!",
                  (SELECT count(*) FROM machine_credentials WHERE tenant = $1) + 1 AS "count!""#,
        key.tenant.as_str(),
        uuid(key.grant_id().as_bytes()),
        credential.created_at.as_unix_micros(),
    )
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    let has_room = quota.allows(number(found.count, "count")?);
    Ok(match (found.deleting, found.taken, found.has_grant, has_room) {
        (true, ..) => Some(MachineCredentialOutcome::NoTenant),
        (_, true, ..) => Some(MachineCredentialOutcome::Taken),
        (_, _, true, _) => Some(MachineCredentialOutcome::HasGrant),
        (.., false) => Some(MachineCredentialOutcome::OverQuota(quota)),
        _ => None,
    })
}

/// Until the transaction ends nobody else makes a credential or begins a consent for the key: neither has a row to lock.
async fn lock(connection: &mut PgConnection, key: &GrantKey) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 25))", key.grant_id().to_string())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Whether the key has one, and none is made until the transaction ends.
pub(crate) async fn exists(connection: &mut PgConnection, key: &GrantKey) -> Result<bool, StoreError> {
    lock(connection, key).await?;
    Ok(read(connection, key).await?.is_some())
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    credential: &MachineCredential,
) -> Result<(), StoreError> {
    let (key, held) = (&credential.key, HeldColumns::of(credential));
    sqlx::query!(
        "INSERT INTO machine_credentials (grant_id, tenant, provider, user_id, account, created_at, updated_at, version, kind,
                                          api_key_id, api_key_secret, registration, parent_user, parent_account, target,
                                          asked_scopes, generation, mint_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        uuid(key.grant_id().as_bytes()),
        key.tenant.as_str(),
        key.provider.as_str(),
        key.user.as_str(),
        key.account.as_str(),
        credential.created_at.as_unix_micros(),
        credential.updated_at.as_unix_micros(),
        kept_version(credential.version),
        held.kind,
        held.api_key_id,
        held.api_key_secret,
        held.registration,
        held.parent_user,
        held.parent_account,
        held.target,
        held.asked_scopes,
        held.generation,
        held.mint_at,
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn read(
    connection: &mut PgConnection,
    key: &GrantKey,
) -> Result<Option<MachineCredential>, StoreError> {
    let row = sqlx::query_as!(
        CredentialRow,
        "SELECT tenant, provider, user_id, account, kind, api_key_id, api_key_secret, created_at, updated_at, version,
                registration, parent_user, parent_account, target, asked_scopes, generation, access_token, token_type,
                scopes, api_base_url, issued_at, expires_at, parent_lineage, mint_at, minting_until, failures, failure,
                failure_at, failing_since, failure_code, failure_status
         FROM machine_credentials WHERE tenant = $1 AND grant_id = $2",
        key.tenant.as_str(),
        uuid(key.grant_id().as_bytes()),
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    row.map(CredentialRow::credential).transpose()
}

pub(super) async fn page(
    connection: &mut PgConnection,
    filter: &MachineCredentialFilter,
) -> Result<Vec<MachineCredential>, StoreError> {
    let after = filter.after.as_ref().filter(|after| after.tenant == filter.tenant);
    let part = |part: fn(&GrantKey) -> &str| after.map_or("", part);
    let rows = sqlx::query_as!(
        CredentialRow,
        "SELECT tenant, provider, user_id, account, kind, api_key_id, api_key_secret, created_at, updated_at, version,
                registration, parent_user, parent_account, target, asked_scopes, generation, access_token, token_type,
                scopes, api_base_url, issued_at, expires_at, parent_lineage, mint_at, minting_until, failures, failure,
                failure_at, failing_since, failure_code, failure_status
         FROM machine_credentials
         WHERE tenant = $1 AND (provider, user_id, account) > ($2, $3, $4)
           AND ($5::text IS NULL OR provider = $5) AND ($6::text IS NULL OR user_id = $6)
         ORDER BY tenant, provider, user_id, account LIMIT $7",
        filter.tenant.as_str(),
        part(|key| key.provider.as_str()),
        part(|key| key.user.as_str()),
        part(|key| key.account.as_str()),
        filter.provider.as_ref().map(|provider| provider.as_str()),
        filter.user.as_ref().map(|user| user.as_str()),
        i64::from(filter.limit),
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    rows.into_iter().map(CredentialRow::credential).collect()
}

/// Whether a change may be made of the version expected. The row is locked.
pub(super) async fn standing(
    connection: &mut PgConnection,
    key: &GrantKey,
    expected: Option<RowVersion>,
) -> Result<ChangeOutcome, StoreError> {
    let held = sqlx::query_scalar!(
        "SELECT version FROM machine_credentials WHERE tenant = $1 AND grant_id = $2 FOR UPDATE",
        key.tenant.as_str(),
        uuid(key.grant_id().as_bytes()),
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let Some(held) = held else { return Ok(ChangeOutcome::Absent) };
    let held = version(held, "version")?;
    Ok(match expected.is_some_and(|expected| expected != held) {
        true => ChangeOutcome::Stale,
        false => ChangeOutcome::Changed,
    })
}

/// Nothing is kept of the one before but when it was put in.
pub(super) async fn replace(
    connection: &mut PgConnection,
    credential: &MachineCredential,
) -> Result<(), StoreError> {
    let held = HeldColumns::of(credential);
    sqlx::query!(
        "UPDATE machine_credentials
         SET updated_at = $3, version = $4, kind = $5, api_key_id = $6, api_key_secret = $7, registration = $8,
             parent_user = $9, parent_account = $10, target = $11, asked_scopes = $12, generation = $13, mint_at = $14,
             minting_until = NULL, access_token = NULL, token_type = NULL, scopes = NULL, api_base_url = NULL,
             issued_at = NULL, expires_at = NULL, parent_lineage = NULL, failures = 0, failure = NULL, failure_at = NULL,
             failing_since = NULL, failure_code = NULL, failure_status = NULL
         WHERE tenant = $1 AND grant_id = $2",
        credential.key.tenant.as_str(),
        uuid(credential.key.grant_id().as_bytes()),
        credential.updated_at.as_unix_micros(),
        kept_version(credential.version),
        held.kind,
        held.api_key_id,
        held.api_key_secret,
        held.registration,
        held.parent_user,
        held.parent_account,
        held.target,
        held.asked_scopes,
        held.generation,
        held.mint_at,
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn erase(connection: &mut PgConnection, key: &GrantKey) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM machine_credentials WHERE tenant = $1 AND grant_id = $2",
        key.tenant.as_str(),
        uuid(key.grant_id().as_bytes()),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Erases those of a tenant that is being deleted.
pub(crate) async fn erase_all(connection: &mut PgConnection, tenant: &TenantId) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM machine_credentials WHERE tenant = $1", tenant.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
