//! Beginning an authorization: by a link, on a device, or of an imported refresh token.

use broker_core::ports::{CreateOutcome, ImportOutcome, NewImport, StartOutcome, StoreError};
use broker_core::{AuditRecord, Authorization, AuthorizationId, DeviceAuthorization, Quota};
use sqlx::{PgConnection, PgPool};

use super::rows::status_words;
use crate::columns::uuid;
use crate::operation::failed;
use crate::{audit, machine_credentials, polls, quotas, requests};

pub(super) async fn start(
    pool: &PgPool,
    authorization: &Authorization,
    device: Option<&DeviceAuthorization>,
    limits: (Quota, Quota),
    record: &AuditRecord,
) -> Result<StartOutcome, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let outcome = put(&mut tx, authorization, limits).await?;
    if outcome == StartOutcome::Started {
        if let Some(device) = device {
            polls::insert(&mut tx, &authorization.key.tenant, authorization.id, device).await?;
        }
        audit::write(&mut tx, record).await?;
        tx.commit().await.map_err(failed)?;
    }
    Ok(outcome)
}

/// The caller rolls back what is over quota.
async fn put(
    connection: &mut PgConnection,
    authorization: &Authorization,
    (pending, grants): (Quota, Quota),
) -> Result<StartOutcome, StoreError> {
    let (key, now) = (&authorization.key, authorization.created_at);
    if machine_credentials::exists(connection, key).await? {
        return Ok(StartOutcome::HasMachineCredential);
    }
    insert(connection, authorization).await?;
    // Told before the user is sent to the provider; where it holds is the exchange.
    if quotas::grants_seem_to_exceed(connection, grants, key).await? {
        return Ok(StartOutcome::OverQuota(grants));
    }
    match quotas::authorizations_exceed(connection, pending, key, now).await? {
        true => Ok(StartOutcome::OverQuota(pending)),
        false => Ok(StartOutcome::Started),
    }
}

pub(super) async fn start_import(
    pool: &PgPool,
    import: &NewImport,
    limits: (Quota, Quota),
    record: &AuditRecord,
) -> Result<ImportOutcome, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let outcome = put_import(&mut tx, import, limits).await?;
    if outcome == ImportOutcome::Started {
        audit::write(&mut tx, record).await?;
        tx.commit().await.map_err(failed)?;
    }
    Ok(outcome)
}

/// The caller rolls back what is not started.
async fn put_import(
    connection: &mut PgConnection,
    import: &NewImport,
    limits: (Quota, Quota),
) -> Result<ImportOutcome, StoreError> {
    let (authorization, mark) = (&import.authorization, import.request.as_ref());
    let tenant = authorization.key.tenant.as_str();
    match requests::before(connection, tenant, mark).await? {
        None => {}
        Some(CreateOutcome::Repeated(name)) => {
            let before = AuthorizationId::parse(&name).ok_or(StoreError::Inconsistent("resource"))?;
            if import.replaces != Some(before) {
                return Ok(ImportOutcome::Repeated(before));
            }
        }
        Some(_) => return Ok(ImportOutcome::IdReused),
    }
    if !import.may_be_shared && is_duplicate(connection, authorization).await? {
        return Ok(ImportOutcome::Duplicate);
    }
    if let StartOutcome::OverQuota(quota) = put(connection, authorization, limits).await? {
        return Ok(ImportOutcome::OverQuota(quota));
    }
    requests::keep(connection, tenant, mark, &authorization.id.to_string()).await?;
    Ok(ImportOutcome::Started)
}

/// Whether the token of an import began an active grant of its tenant, be it the very grant it is imported for.
async fn is_duplicate(
    connection: &mut PgConnection,
    authorization: &Authorization,
) -> Result<bool, StoreError> {
    let Some(import) = &authorization.import else { return Ok(false) };
    sqlx::query_scalar!(
        r#"SELECT began_grant($1, $2, NULL) AS "began!""#,
        authorization.key.tenant.as_str(),
        import.fingerprint.0.as_slice(),
    )
    .fetch_one(connection)
    .await
    .map_err(failed)
}

async fn insert(connection: &mut PgConnection, authorization: &Authorization) -> Result<(), StoreError> {
    let (status, failure) = status_words(&authorization.status);
    sqlx::query!(
        "INSERT INTO authorizations (tenant, provider, user_id, account, grant_id, id, registration, lineage,
                                     redirect_uri, scopes, state_digest, verifier, status, failure, created_at,
                                     expires_at, allow_account_change, imported_token, consented_at, hosted,
                                     return_to)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        authorization.key.tenant.as_str(),
        authorization.key.provider.as_str(),
        authorization.key.user.as_str(),
        authorization.key.account.as_str(),
        uuid(authorization.key.grant_id().as_bytes()),
        uuid(authorization.id.as_bytes()),
        authorization.registration.as_str(),
        uuid(authorization.lineage.as_bytes()),
        authorization.redirect_uri.as_str(),
        authorization.scopes.join(" "),
        authorization.state_digest.as_slice(),
        authorization.verifier.as_bytes(),
        status,
        failure,
        authorization.created_at.as_unix_micros(),
        authorization.expires_at.as_unix_micros(),
        authorization.allow_account_change,
        authorization.import.as_ref().map(|import| import.fingerprint.0.as_slice()),
        authorization.import.map(|import| import.consented_at.as_unix_micros()),
        authorization.hosted.is_some(),
        authorization.hosted.as_ref().and_then(|hosted| hosted.return_to.as_deref()),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
