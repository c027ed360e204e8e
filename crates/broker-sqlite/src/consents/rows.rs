//! Authorizations as rows.

use broker_core::ports::StoreError;
use broker_core::{
    Authorization, AuthorizationId, AuthorizationStatus, HostedCallback, Import, KeptCode, LineageId,
    RefreshTokenFingerprint, RegistrationId, TenantId,
};
use broker_crypto::Sealed;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::Columns;
use crate::operation::failed;

macro_rules! authorization_columns {
    () => {
        "id, tenant, provider, user_id, account, registration, lineage, redirect_uri, scopes, state_digest, \
         verifier, status, failure, created_at, expires_at, allow_account_change, imported_token, consented_at,
         hosted, return_to, code, completion_digest"
    };
}

/// The authorization of that id.
pub(crate) async fn read(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AuthorizationId,
) -> Result<Option<Authorization>, StoreError> {
    let sql =
        concat!("SELECT ", authorization_columns!(), " FROM authorizations WHERE tenant = ?1 AND id = ?2");
    let row = sqlx::query(sql).bind(tenant.as_str()).bind(id.as_bytes().as_slice());
    row.fetch_optional(connection).await.map_err(failed)?.map(|row| from_row(&row)).transpose()
}

pub(super) async fn by_state(
    pool: &SqlitePool,
    tenant: &TenantId,
    state_digest: &[u8; 32],
) -> Result<Option<Authorization>, StoreError> {
    let sql = concat!(
        "SELECT ",
        authorization_columns!(),
        " FROM authorizations WHERE tenant = ?1 AND state_digest = ?2"
    );
    let row = sqlx::query(sql).bind(tenant.as_str()).bind(state_digest.as_slice());
    row.fetch_optional(pool).await.map_err(failed)?.map(|row| from_row(&row)).transpose()
}

pub(super) async fn of_browser(
    pool: &SqlitePool,
    state_digest: &[u8; 32],
) -> Result<Option<Authorization>, StoreError> {
    let sql = concat!("SELECT ", authorization_columns!(), " FROM authorizations WHERE state_digest = ?1");
    let row = sqlx::query(sql).bind(state_digest.as_slice());
    row.fetch_optional(pool).await.map_err(failed)?.map(|row| from_row(&row)).transpose()
}

fn from_row(row: &SqliteRow) -> Result<Authorization, StoreError> {
    let digest: Vec<u8> = row.get_as("state_digest")?;
    let hosted = hosted(row)?;
    let answered = hosted.as_ref().is_some_and(|hosted| hosted.answer.is_some());
    Ok(Authorization {
        id: row.id("id", AuthorizationId::from_bytes)?,
        key: row.key()?,
        registration: row.name("registration", RegistrationId::new)?,
        lineage: row.id("lineage", LineageId::from_bytes)?,
        redirect_uri: row.text("redirect_uri")?,
        scopes: row.scopes("scopes")?,
        state_digest: digest.try_into().map_err(|_| StoreError::Inconsistent("state_digest"))?,
        verifier: row.sealed("verifier")?,
        status: status(row, answered)?,
        hosted,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        allow_account_change: row.flag("allow_account_change")?,
        import: import(row)?,
    })
}

fn import(row: &SqliteRow) -> Result<Option<Import>, StoreError> {
    let (token, at) = (row.optional_code("imported_token")?, row.optional_time("consented_at")?);
    let import = |(token, consented_at)| Import { fingerprint: RefreshTokenFingerprint(token), consented_at };
    Ok(token.zip(at).map(import))
}

fn hosted(row: &SqliteRow) -> Result<Option<HostedCallback>, StoreError> {
    let code: Option<Vec<u8>> = row.get_as("code")?;
    let digest: Option<Vec<u8>> = row.get_as("completion_digest")?;
    let answer = code.zip(digest).map(|(code, digest)| {
        let completion_digest =
            digest.try_into().map_err(|_| StoreError::Inconsistent("completion_digest"))?;
        Ok(KeptCode { code: Sealed::from_bytes(code), completion_digest })
    });
    let hosted = HostedCallback { return_to: row.optional_text("return_to")?, answer: answer.transpose()? };
    Ok(row.flag("hosted")?.then_some(hosted))
}

fn status(row: &SqliteRow, answered: bool) -> Result<AuthorizationStatus, StoreError> {
    match (row.text("status")?.as_str(), row.optional_text("failure")?) {
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
