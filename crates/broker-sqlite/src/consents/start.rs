//! Beginning an authorization: by a link, on a device, or of an imported refresh token.

use broker_core::ports::{CreateOutcome, ImportOutcome, NewImport, StartOutcome, StoreError};
use broker_core::{Authorization, AuthorizationId, QuotaKind};
use sqlx::SqliteConnection;

use super::rows::status_words;
use crate::SqliteStore;
use crate::columns::BindDomain;
use crate::grants::origin;
use crate::operation::failed;
use crate::{machine_credentials, quotas, requests};

impl SqliteStore {
    /// The caller rolls back what is over quota.
    pub(super) async fn start(
        &self,
        connection: &mut SqliteConnection,
        authorization: &Authorization,
    ) -> Result<StartOutcome, StoreError> {
        let (key, now) = (&authorization.key, authorization.created_at);
        if machine_credentials::exists(connection, key).await? {
            return Ok(StartOutcome::HasMachineCredential);
        }
        insert(connection, authorization).await?;
        // Told before the user is sent to the provider; where it holds is the exchange.
        let grants = self.quotas.of(&key.tenant, QuotaKind::Grants);
        if quotas::grants_exceed(connection, grants, key).await? {
            return Ok(StartOutcome::OverQuota(grants));
        }
        let pending = self.quotas.of(&key.tenant, QuotaKind::PendingAuthorizations);
        match quotas::authorizations_exceed(connection, pending, key, now).await? {
            true => Ok(StartOutcome::OverQuota(pending)),
            false => Ok(StartOutcome::Started),
        }
    }

    /// The caller rolls back what is not started.
    pub(super) async fn begin_import(
        &self,
        connection: &mut SqliteConnection,
        import: &NewImport,
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
        if !import.may_be_shared && origin::is_duplicate(connection, authorization).await? {
            return Ok(ImportOutcome::Duplicate);
        }
        if let StartOutcome::OverQuota(quota) = self.start(connection, authorization).await? {
            return Ok(ImportOutcome::OverQuota(quota));
        }
        requests::keep(connection, tenant, mark, &authorization.id.to_string()).await?;
        Ok(ImportOutcome::Started)
    }
}

async fn insert(connection: &mut SqliteConnection, authorization: &Authorization) -> Result<(), StoreError> {
    let (status, failure) = status_words(&authorization.status);
    sqlx::query(
        "INSERT INTO authorizations (tenant, provider, user_id, account, id, registration, lineage,
                                     redirect_uri, scopes, state_digest, verifier, status, failure,
                                     created_at, expires_at, allow_account_change, imported_token,
                                     consented_at, hosted, return_to)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    )
    .bind_key(&authorization.key)
    .bind(authorization.id.as_bytes().as_slice())
    .bind(authorization.registration.as_str())
    .bind(authorization.lineage.as_bytes().as_slice())
    .bind(authorization.redirect_uri.as_str())
    .bind_scopes(&authorization.scopes)
    .bind(authorization.state_digest.as_slice())
    .bind(authorization.verifier.as_bytes())
    .bind(status)
    .bind(failure)
    .bind_time(authorization.created_at)
    .bind_time(authorization.expires_at)
    .bind(authorization.allow_account_change)
    .bind(authorization.import.map(|import| import.fingerprint.0.to_vec()))
    .bind_optional_time(authorization.import.map(|import| import.consented_at))
    .bind(authorization.hosted.is_some())
    .bind(authorization.hosted.as_ref().and_then(|hosted| hosted.return_to.as_deref()))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
