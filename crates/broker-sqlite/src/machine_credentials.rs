//! Machine credentials.

mod mints;
mod rows;

use async_trait::async_trait;
use broker_core::ports::{
    ChangeOutcome, DueMint, MachineCredentialFilter, MachineCredentialOutcome, MachineCredentialStore,
    MintClaim, MintEnd, StoreError,
};
use broker_core::{
    AuditRecord, GrantKey, MachineCredential, MintMark, Quota, QuotaKind, RowVersion, Timestamp,
};
use sqlx::SqliteConnection;

use self::rows::{bind_held, credential};
use crate::SqliteStore;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

#[async_trait]
impl MachineCredentialStore for SqliteStore {
    async fn create_machine_credential(
        &self,
        credential: &MachineCredential,
        record: &AuditRecord,
    ) -> Result<MachineCredentialOutcome, StoreError> {
        let quota = self.quotas.of(&credential.key.tenant, QuotaKind::Grants);
        self.operation("create_machine_credential", async {
            let mut tx = self.write().await?;
            let outcome = create(&mut tx, credential, quota).await?;
            if outcome == MachineCredentialOutcome::Created {
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn machine_credential(&self, key: &GrantKey) -> Result<Option<MachineCredential>, StoreError> {
        self.operation("machine_credential", async { read(&mut *self.read().await?, key).await }).await
    }

    async fn list_machine_credentials(
        &self,
        filter: &MachineCredentialFilter,
    ) -> Result<Vec<MachineCredential>, StoreError> {
        self.operation("list_machine_credentials", async { page(&mut *self.read().await?, filter).await })
            .await
    }

    async fn replace_machine_credential(
        &self,
        credential: &MachineCredential,
        expected: RowVersion,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("replace_machine_credential", async {
            let mut tx = self.write().await?;
            let outcome = standing(&mut tx, &credential.key, Some(expected)).await?;
            if outcome == ChangeOutcome::Changed {
                replace(&mut tx, credential).await?;
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn delete_machine_credential(
        &self,
        key: &GrantKey,
        expected: Option<RowVersion>,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("delete_machine_credential", async {
            let mut tx = self.write().await?;
            let outcome = standing(&mut tx, key, expected).await?;
            if outcome == ChangeOutcome::Changed {
                erase(&mut tx, key).await?;
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn due_mints(&self, due_by: Timestamp, limit: u32) -> Result<Vec<DueMint>, StoreError> {
        self.operation("due_mints", async { mints::due(&mut *self.read().await?, due_by, limit).await }).await
    }

    async fn claim_mint(&self, claim: &MintClaim) -> Result<Option<MachineCredential>, StoreError> {
        self.operation("claim_mint", async {
            let mut tx = self.write().await?;
            let claimed = mints::claim(&mut tx, claim).await?;
            tx.commit().await.map_err(failed)?;
            Ok(claimed)
        })
        .await
    }

    async fn end_mint(&self, end: &MintEnd) -> Result<bool, StoreError> {
        self.operation("end_mint", async {
            let mut tx = self.write().await?;
            let ended = mints::end(&mut tx, end).await?;
            tx.commit().await.map_err(failed)?;
            Ok(ended)
        })
        .await
    }

    async fn put_off_mints(
        &self,
        mints: &[DueMint],
        due_by: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.operation("put_off_mints", async {
            let mut tx = self.write().await?;
            mints::put_off(&mut tx, mints, due_by, until).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn want_mint(&self, key: &GrantKey, mark: MintMark, at: Timestamp) -> Result<(), StoreError> {
        self.operation("want_mint", async {
            let mut tx = self.write().await?;
            mints::want(&mut tx, key, mark, at).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }
}

async fn create(
    connection: &mut SqliteConnection,
    credential: &MachineCredential,
    quota: Quota,
) -> Result<MachineCredentialOutcome, StoreError> {
    let key = &credential.key;
    let row = sqlx::query(
        "SELECT NOT EXISTS (SELECT 1 FROM tenants WHERE id = ?1)
                OR EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = ?1) AS no_tenant,
                EXISTS (SELECT 1 FROM machine_credentials WHERE grant_id = ?2) AS taken,
                EXISTS (SELECT 1 FROM grants WHERE id = ?2 AND lifecycle <> 'revoked')
                OR EXISTS (SELECT 1 FROM authorizations
                           WHERE tenant = ?1 AND provider = ?4 AND user_id = ?5 AND account = ?6
                             AND (status = 'exchanging' OR status = 'pending' AND expires_at > ?3)) AS has_grant,
                (SELECT count(*) FROM machine_credentials WHERE tenant = ?1) + 1 AS count",
    )
    .bind(key.tenant.as_str())
    .bind(key.grant_id().as_bytes().to_vec())
    .bind_time(credential.created_at)
    .bind(key.provider.as_str())
    .bind(key.user.as_str())
    .bind(key.account.as_str())
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    if row.flag("no_tenant")? {
        return Ok(MachineCredentialOutcome::NoTenant);
    }
    if row.flag("taken")? {
        return Ok(MachineCredentialOutcome::Taken);
    }
    if row.flag("has_grant")? {
        return Ok(MachineCredentialOutcome::HasGrant);
    }
    if !quota.allows(row.number("count")?) {
        return Ok(MachineCredentialOutcome::OverQuota(quota));
    }
    insert(connection, credential).await?;
    Ok(MachineCredentialOutcome::Created)
}

async fn insert(connection: &mut SqliteConnection, credential: &MachineCredential) -> Result<(), StoreError> {
    let statement = sqlx::query(
        "INSERT INTO machine_credentials (tenant, provider, user_id, account, grant_id, created_at, updated_at, version,
                                          kind, api_key_id, api_key_secret, registration, parent_user, parent_account,
                                          target, asked_scopes, generation, mint_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    )
    .bind_key(&credential.key)
    .bind(credential.key.grant_id().as_bytes().to_vec())
    .bind_time(credential.created_at)
    .bind_time(credential.updated_at)
    .bind_version(credential.version);
    bind_held(statement, credential).execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn read(
    connection: &mut SqliteConnection,
    key: &GrantKey,
) -> Result<Option<MachineCredential>, StoreError> {
    let row = sqlx::query(
        "SELECT * FROM machine_credentials WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4",
    )
    .bind_key(key)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    row.as_ref().map(credential).transpose()
}

/// Whether the key has one.
pub(crate) async fn exists(connection: &mut SqliteConnection, key: &GrantKey) -> Result<bool, StoreError> {
    Ok(read(connection, key).await?.is_some())
}

async fn page(
    connection: &mut SqliteConnection,
    filter: &MachineCredentialFilter,
) -> Result<Vec<MachineCredential>, StoreError> {
    let after = filter.after.as_ref().filter(|after| after.tenant == filter.tenant);
    let part = |part: fn(&GrantKey) -> &str| after.map_or("", part);
    sqlx::query(
        "SELECT * FROM machine_credentials
         WHERE tenant = ?1 AND (provider, user_id, account) > (?2, ?3, ?4)
           AND (?5 IS NULL OR provider = ?5) AND (?6 IS NULL OR user_id = ?6)
         ORDER BY tenant, provider, user_id, account LIMIT ?7",
    )
    .bind(filter.tenant.as_str())
    .bind(part(|key| key.provider.as_str()))
    .bind(part(|key| key.user.as_str()))
    .bind(part(|key| key.account.as_str()))
    .bind(filter.provider.as_ref().map(|provider| provider.as_str()))
    .bind(filter.user.as_ref().map(|user| user.as_str()))
    .bind(filter.limit)
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(credential)
    .collect()
}

/// Whether a change may be made of the version expected.
async fn standing(
    connection: &mut SqliteConnection,
    key: &GrantKey,
    expected: Option<RowVersion>,
) -> Result<ChangeOutcome, StoreError> {
    Ok(match read(connection, key).await? {
        None => ChangeOutcome::Absent,
        Some(held) if expected.is_some_and(|expected| expected != held.version) => ChangeOutcome::Stale,
        Some(_) => ChangeOutcome::Changed,
    })
}

/// Nothing is kept of the one before but when it was put in.
async fn replace(
    connection: &mut SqliteConnection,
    credential: &MachineCredential,
) -> Result<(), StoreError> {
    let created_at = read(connection, &credential.key).await?.map(|held| held.created_at);
    erase(connection, &credential.key).await?;
    let created_at = created_at.unwrap_or(credential.created_at);
    insert(connection, &MachineCredential { created_at, ..credential.clone() }).await
}

async fn erase(connection: &mut SqliteConnection, key: &GrantKey) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM machine_credentials WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4",
    )
    .bind_key(key)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
