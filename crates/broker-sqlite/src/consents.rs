//! Authorization requests.

use async_trait::async_trait;
use broker_core::ports::{ConsentStore, StartOutcome, StoreError};
use broker_core::{
    AuditRecord, Authorization, AuthorizationId, AuthorizationStatus, LineageId, QuotaKind, RegistrationId,
    TenantId, Timestamp,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::{failed, operation};
use crate::quotas;

macro_rules! authorization_columns {
    () => {
        "id, tenant, provider, user_id, account, registration, lineage, redirect_uri, scopes, state_digest, \
         verifier, status, failure, created_at, expires_at"
    };
}

#[async_trait]
impl ConsentStore for SqliteStore {
    async fn start_authorization(
        &self,
        authorization: &Authorization,
        record: &AuditRecord,
    ) -> Result<StartOutcome, StoreError> {
        operation("start_authorization", async {
            let mut tx = self.write().await?;
            let outcome = self.start(&mut tx, authorization).await?;
            if outcome == StartOutcome::Started {
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
    ) -> Result<Option<Authorization>, StoreError> {
        let sql = concat!(
            "SELECT ",
            authorization_columns!(),
            " FROM authorizations WHERE tenant = ?1 AND id = ?2"
        );
        operation("authorization", self.one_authorization(sql, tenant, id.as_bytes())).await
    }

    async fn authorization_by_state(
        &self,
        tenant: &TenantId,
        state_digest: &[u8; 32],
    ) -> Result<Option<Authorization>, StoreError> {
        let sql = concat!(
            "SELECT ",
            authorization_columns!(),
            " FROM authorizations WHERE tenant = ?1 AND state_digest = ?2"
        );
        operation("authorization_by_state", self.one_authorization(sql, tenant, state_digest)).await
    }

    async fn end_authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
        status: AuthorizationStatus,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        operation("end_authorization", async {
            let mut tx = self.write().await?;
            let ended = end(&mut tx, tenant, id, &status, at).await?;
            if ended {
                audit::write(&mut tx, record).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(ended)
        })
        .await
    }
}

impl SqliteStore {
    /// The caller rolls back what is over quota.
    async fn start(
        &self,
        connection: &mut SqliteConnection,
        authorization: &Authorization,
    ) -> Result<StartOutcome, StoreError> {
        let (key, now) = (&authorization.key, authorization.created_at);
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

    async fn one_authorization(
        &self,
        sql: &'static str,
        tenant: &TenantId,
        by: &[u8],
    ) -> Result<Option<Authorization>, StoreError> {
        sqlx::query(sql)
            .bind(tenant.as_str())
            .bind(by)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?
            .map(|row| from_row(&row))
            .transpose()
    }
}

async fn insert(connection: &mut SqliteConnection, authorization: &Authorization) -> Result<(), StoreError> {
    let (status, failure) = status_words(&authorization.status);
    sqlx::query(
        "INSERT INTO authorizations (tenant, provider, user_id, account, id, registration, lineage,
                                     redirect_uri, scopes, state_digest, verifier, status, failure,
                                     created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
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
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn end(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    id: AuthorizationId,
    status: &AuthorizationStatus,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (status, failure) = status_words(status);
    let ended = sqlx::query(
        "UPDATE authorizations SET status = ?4, failure = ?5, settled_at = ?3
         WHERE tenant = ?1 AND id = ?2 AND status = 'pending'",
    )
    .bind(tenant.as_str())
    .bind(id.as_bytes().as_slice())
    .bind_time(at)
    .bind(status)
    .bind(failure)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(ended.rows_affected() == 1)
}

fn from_row(row: &SqliteRow) -> Result<Authorization, StoreError> {
    let digest: Vec<u8> = row.get_as("state_digest")?;
    Ok(Authorization {
        id: row.id("id", AuthorizationId::from_bytes)?,
        key: row.key()?,
        registration: row.name("registration", RegistrationId::new)?,
        lineage: row.id("lineage", LineageId::from_bytes)?,
        redirect_uri: row.text("redirect_uri")?,
        scopes: row.scopes("scopes")?,
        state_digest: digest.try_into().map_err(|_| StoreError::Inconsistent("state_digest"))?,
        verifier: row.sealed("verifier")?,
        status: status(row)?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

fn status(row: &SqliteRow) -> Result<AuthorizationStatus, StoreError> {
    match (row.text("status")?.as_str(), row.optional_text("failure")?) {
        ("pending", None) => Ok(AuthorizationStatus::Pending),
        ("exchanging", None) => Ok(AuthorizationStatus::Exchanging),
        ("completed", None) => Ok(AuthorizationStatus::Completed),
        ("denied", None) => Ok(AuthorizationStatus::Denied),
        ("failed", Some(failure)) => Ok(AuthorizationStatus::Failed(failure)),
        _ => Err(StoreError::Inconsistent("status")),
    }
}

fn status_words(status: &AuthorizationStatus) -> (&'static str, Option<&str>) {
    match status {
        AuthorizationStatus::Pending => ("pending", None),
        AuthorizationStatus::Exchanging => ("exchanging", None),
        AuthorizationStatus::Completed => ("completed", None),
        AuthorizationStatus::Denied => ("denied", None),
        AuthorizationStatus::Failed(failure) => ("failed", Some(failure)),
    }
}
