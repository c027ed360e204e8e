//! Authorizations as rows.

use broker_core::ports::StoreError;
use broker_core::{
    Authorization, AuthorizationId, AuthorizationStatus, HostedCallback, Import, KeptCode, LineageId,
    RefreshTokenFingerprint, RegistrationId, TenantId, Timestamp,
};
use broker_crypto::Sealed;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::columns::{code, key, name, scopes, uuid};
use crate::operation::failed;

struct AuthorizationRow {
    id: Uuid,
    tenant: String,
    provider: String,
    user_id: String,
    account: String,
    registration: String,
    lineage: Uuid,
    redirect_uri: String,
    scopes: String,
    state_digest: Vec<u8>,
    verifier: Vec<u8>,
    status: String,
    failure: Option<String>,
    created_at: i64,
    expires_at: i64,
    allow_account_change: bool,
    imported_token: Option<Vec<u8>>,
    consented_at: Option<i64>,
    hosted: bool,
    return_to: Option<String>,
    code: Option<Vec<u8>>,
    completion_digest: Option<Vec<u8>>,
}

pub(crate) async fn by_id(
    executor: impl PgExecutor<'_>,
    tenant: &TenantId,
    id: AuthorizationId,
) -> Result<Option<Authorization>, StoreError> {
    sqlx::query_as!(
        AuthorizationRow,
        "SELECT id, tenant, provider, user_id, account, registration, lineage, redirect_uri, scopes, state_digest,
                verifier, status, failure, created_at, expires_at, allow_account_change, imported_token, consented_at,
                hosted, return_to, code, completion_digest
         FROM authorizations WHERE tenant = $1 AND id = $2",
        tenant.as_str(),
        uuid(id.as_bytes()),
    )
    .fetch_optional(executor)
    .await
    .map_err(failed)?
    .map(from_row)
    .transpose()
}

pub(super) async fn by_state(
    pool: &PgPool,
    tenant: &TenantId,
    state_digest: &[u8; 32],
) -> Result<Option<Authorization>, StoreError> {
    sqlx::query_as!(
        AuthorizationRow,
        "SELECT id, tenant, provider, user_id, account, registration, lineage, redirect_uri, scopes, state_digest,
                verifier, status, failure, created_at, expires_at, allow_account_change, imported_token, consented_at,
                hosted, return_to, code, completion_digest
         FROM authorizations WHERE tenant = $1 AND state_digest = $2",
        tenant.as_str(),
        state_digest.as_slice(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(from_row)
    .transpose()
}

/// The role sees rows of every tenant.
pub(super) async fn of_browser(
    pool: &PgPool,
    state_digest: &[u8; 32],
) -> Result<Option<Authorization>, StoreError> {
    sqlx::query_as!(
        AuthorizationRow,
        "SELECT id, tenant, provider, user_id, account, registration, lineage, redirect_uri, scopes, state_digest,
                verifier, status, failure, created_at, expires_at, allow_account_change, imported_token, consented_at,
                hosted, return_to, code, completion_digest
         FROM authorizations WHERE state_digest = $1",
        state_digest.as_slice(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(from_row)
    .transpose()
}

fn from_row(row: AuthorizationRow) -> Result<Authorization, StoreError> {
    let hosted = hosted(row.hosted, row.return_to, row.code, row.completion_digest)?;
    let answered = hosted.as_ref().is_some_and(|hosted| hosted.answer.is_some());
    Ok(Authorization {
        id: AuthorizationId::from_bytes(row.id.into_bytes()),
        status: status(&row.status, row.failure, answered)?,
        hosted,
        key: key([row.tenant, row.provider, row.user_id, row.account])?,
        registration: name(row.registration, RegistrationId::new, "registration")?,
        lineage: LineageId::from_bytes(row.lineage.into_bytes()),
        redirect_uri: row.redirect_uri,
        scopes: scopes(&row.scopes),
        state_digest: row.state_digest.try_into().map_err(|_| StoreError::Inconsistent("state_digest"))?,
        verifier: Sealed::from_bytes(row.verifier),
        created_at: Timestamp::from_unix_micros(row.created_at),
        expires_at: Timestamp::from_unix_micros(row.expires_at),
        allow_account_change: row.allow_account_change,
        import: import(row.imported_token, row.consented_at)?,
    })
}

fn import(token: Option<Vec<u8>>, consented_at: Option<i64>) -> Result<Option<Import>, StoreError> {
    let Some((token, at)) = token.zip(consented_at) else { return Ok(None) };
    let fingerprint = RefreshTokenFingerprint(code(token, "imported_token")?);
    Ok(Some(Import { fingerprint, consented_at: Timestamp::from_unix_micros(at) }))
}

fn hosted(
    hosted: bool,
    return_to: Option<String>,
    code: Option<Vec<u8>>,
    digest: Option<Vec<u8>>,
) -> Result<Option<HostedCallback>, StoreError> {
    let answer = code.zip(digest).map(|(code, digest)| {
        let completion_digest =
            digest.try_into().map_err(|_| StoreError::Inconsistent("completion_digest"))?;
        Ok(KeptCode { code: Sealed::from_bytes(code), completion_digest })
    });
    let answer = answer.transpose()?;
    Ok(hosted.then_some(HostedCallback { return_to, answer }))
}

fn status(word: &str, failure: Option<String>, answered: bool) -> Result<AuthorizationStatus, StoreError> {
    match (word, failure) {
        ("pending", None) if answered => Ok(AuthorizationStatus::AwaitingCompletion),
        ("pending", None) => Ok(AuthorizationStatus::Pending),
        ("exchanging", None) => Ok(AuthorizationStatus::Exchanging),
        ("completed", None) => Ok(AuthorizationStatus::Completed),
        ("denied", None) => Ok(AuthorizationStatus::Denied),
        ("failed", Some(failure)) => Ok(AuthorizationStatus::Failed(failure)),
        _ => Err(StoreError::Inconsistent("status")),
    }
}

pub(super) fn status_words(status: &AuthorizationStatus) -> (&'static str, Option<&str>) {
    match status {
        // The code that is kept tells one from the other.
        AuthorizationStatus::Pending | AuthorizationStatus::AwaitingCompletion => ("pending", None),
        AuthorizationStatus::Exchanging => ("exchanging", None),
        AuthorizationStatus::Completed => ("completed", None),
        AuthorizationStatus::Denied => ("denied", None),
        AuthorizationStatus::Failed(failure) => ("failed", Some(failure)),
    }
}
