//! Authorization requests.

use async_trait::async_trait;
use broker_core::ports::{ConsentStore, StartOutcome, StoreError};
use broker_core::{
    AuditRecord, Authorization, AuthorizationId, AuthorizationStatus, LineageId, Quota, QuotaKind,
    RegistrationId, TenantId, Timestamp,
};
use broker_crypto::Sealed;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::PostgresStore;
use crate::audit;
use crate::columns::{foreign_text, key, name, scopes, uuid};
use crate::operation::failed;
use crate::quotas;

#[async_trait]
impl ConsentStore for PostgresStore {
    async fn start_authorization(
        &self,
        authorization: &Authorization,
        record: &AuditRecord,
    ) -> Result<StartOutcome, StoreError> {
        let of = |kind| self.quotas.of(&authorization.key.tenant, kind);
        let limits = (of(QuotaKind::PendingAuthorizations), of(QuotaKind::Grants));
        self.operation("start_authorization", start(&self.pools.consent, authorization, limits, record)).await
    }

    async fn authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
    ) -> Result<Option<Authorization>, StoreError> {
        self.operation("authorization", by_id(&self.pools.consent, tenant, id)).await
    }

    async fn authorization_by_state(
        &self,
        tenant: &TenantId,
        state_digest: &[u8; 32],
    ) -> Result<Option<Authorization>, StoreError> {
        self.operation("authorization_by_state", by_state(&self.pools.consent, tenant, state_digest)).await
    }

    async fn end_authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
        status: AuthorizationStatus,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("end_authorization", async {
            let mut tx = self.pools.consent.begin().await.map_err(failed)?;
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
}

async fn start(
    pool: &PgPool,
    authorization: &Authorization,
    (pending, grants): (Quota, Quota),
    record: &AuditRecord,
) -> Result<StartOutcome, StoreError> {
    let (key, now) = (&authorization.key, authorization.created_at);
    let mut tx = pool.begin().await.map_err(failed)?;
    insert(&mut tx, authorization).await?;
    // Told before the user is sent to the provider; where it holds is the exchange.
    if quotas::grants_seem_to_exceed(&mut tx, grants, key).await? {
        return Ok(StartOutcome::OverQuota(grants));
    }
    if quotas::authorizations_exceed(&mut tx, pending, key, now).await? {
        return Ok(StartOutcome::OverQuota(pending));
    }
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(StartOutcome::Started)
}

async fn insert(connection: &mut PgConnection, authorization: &Authorization) -> Result<(), StoreError> {
    let (status, failure) = status_words(&authorization.status);
    sqlx::query!(
        "INSERT INTO authorizations (tenant, provider, user_id, account, grant_id, id, registration, lineage,
                                     redirect_uri, scopes, state_digest, verifier, status, failure, created_at,
                                     expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
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
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn by_id(
    pool: &PgPool,
    tenant: &TenantId,
    id: AuthorizationId,
) -> Result<Option<Authorization>, StoreError> {
    sqlx::query_as!(
        AuthorizationRow,
        "SELECT id, tenant, provider, user_id, account, registration, lineage, redirect_uri, scopes, state_digest,
                verifier, status, failure, created_at, expires_at
         FROM authorizations WHERE tenant = $1 AND id = $2",
        tenant.as_str(),
        uuid(id.as_bytes()),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?
    .map(from_row)
    .transpose()
}

async fn by_state(
    pool: &PgPool,
    tenant: &TenantId,
    state_digest: &[u8; 32],
) -> Result<Option<Authorization>, StoreError> {
    sqlx::query_as!(
        AuthorizationRow,
        "SELECT id, tenant, provider, user_id, account, registration, lineage, redirect_uri, scopes, state_digest,
                verifier, status, failure, created_at, expires_at
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

async fn end(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: AuthorizationId,
    status: &AuthorizationStatus,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (status, failure) = status_words(status);
    let ended = sqlx::query!(
        "UPDATE authorizations SET status = $4, failure = $5, settled_at = $3
         WHERE tenant = $1 AND id = $2 AND status = 'pending'",
        tenant.as_str(),
        uuid(id.as_bytes()),
        at.as_unix_micros(),
        status,
        failure.map(foreign_text),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(ended.rows_affected() == 1)
}

fn from_row(row: AuthorizationRow) -> Result<Authorization, StoreError> {
    Ok(Authorization {
        id: AuthorizationId::from_bytes(row.id.into_bytes()),
        status: status(&row.status, row.failure)?,
        key: key([row.tenant, row.provider, row.user_id, row.account])?,
        registration: name(row.registration, RegistrationId::new, "registration")?,
        lineage: LineageId::from_bytes(row.lineage.into_bytes()),
        redirect_uri: row.redirect_uri,
        scopes: scopes(&row.scopes),
        state_digest: row.state_digest.try_into().map_err(|_| StoreError::Inconsistent("state_digest"))?,
        verifier: Sealed::from_bytes(row.verifier),
        created_at: Timestamp::from_unix_micros(row.created_at),
        expires_at: Timestamp::from_unix_micros(row.expires_at),
    })
}

fn status(word: &str, failure: Option<String>) -> Result<AuthorizationStatus, StoreError> {
    match (word, failure) {
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
