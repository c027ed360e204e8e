//! Machine credentials.

mod mints;
mod rows;
mod statements;

use async_trait::async_trait;
use broker_core::ports::{
    ChangeOutcome, DueMint, MachineCredentialFilter, MachineCredentialOutcome, MachineCredentialStore,
    MintClaim, MintEnd, StoreError,
};
use broker_core::{
    AuditRecord, GrantKey, MachineCredential, MintMark, Quota, QuotaKind, RowVersion, Timestamp,
};
use sqlx::PgPool;

pub(crate) use self::statements::{erase_all, exists};
use crate::PostgresStore;
use crate::audit;
use crate::operation::failed;
use crate::scope;

#[async_trait]
impl MachineCredentialStore for PostgresStore {
    async fn create_machine_credential(
        &self,
        credential: &MachineCredential,
        record: &AuditRecord,
    ) -> Result<MachineCredentialOutcome, StoreError> {
        let quota = self.quotas.of(&credential.key.tenant, QuotaKind::Grants);
        let created = create(&self.pools.admin, credential, quota, record);
        self.operation("create_machine_credential", created).await
    }

    async fn machine_credential(&self, key: &GrantKey) -> Result<Option<MachineCredential>, StoreError> {
        self.operation("machine_credential", async {
            let mut tx = scope::of_tenant(&self.pools.vending, &key.tenant).await?;
            statements::read(&mut tx, key).await
        })
        .await
    }

    async fn list_machine_credentials(
        &self,
        filter: &MachineCredentialFilter,
    ) -> Result<Vec<MachineCredential>, StoreError> {
        self.operation("list_machine_credentials", async {
            let mut tx = scope::of_tenant(&self.pools.vending, &filter.tenant).await?;
            statements::page(&mut tx, filter).await
        })
        .await
    }

    async fn replace_machine_credential(
        &self,
        credential: &MachineCredential,
        expected: RowVersion,
        record: &AuditRecord,
    ) -> Result<ChangeOutcome, StoreError> {
        self.operation("replace_machine_credential", async {
            let mut tx = scope::of_tenant(&self.pools.admin, &credential.key.tenant).await?;
            let outcome = statements::standing(&mut tx, &credential.key, Some(expected)).await?;
            if outcome == ChangeOutcome::Changed {
                statements::replace(&mut tx, credential).await?;
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
            let mut tx = scope::of_tenant(&self.pools.admin, &key.tenant).await?;
            let outcome = statements::standing(&mut tx, key, expected).await?;
            if outcome == ChangeOutcome::Changed {
                statements::erase(&mut tx, key).await?;
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn due_mints(&self, due_by: Timestamp, limit: u32) -> Result<Vec<DueMint>, StoreError> {
        self.operation("due_mints", mints::due(&self.pools.rotation, due_by, limit)).await
    }

    async fn claim_mint(&self, claim: &MintClaim) -> Result<Option<MachineCredential>, StoreError> {
        self.operation("claim_mint", mints::claim(&self.pools.rotation, claim)).await
    }

    async fn end_mint(&self, end: &MintEnd) -> Result<bool, StoreError> {
        self.operation("end_mint", mints::end(&self.pools.adoption, end)).await
    }

    async fn put_off_mints(
        &self,
        mints: &[DueMint],
        due_by: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let put_off = mints::put_off(&self.pools.rotation, mints, due_by, until);
        self.operation("put_off_mints", put_off).await
    }

    async fn want_mint(&self, key: &GrantKey, mark: MintMark, at: Timestamp) -> Result<(), StoreError> {
        self.operation("want_mint", async {
            let mut tx = scope::of_tenant(&self.pools.vending, &key.tenant).await?;
            mints::want(&mut tx, key, mark, at).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }
}

async fn create(
    pool: &PgPool,
    credential: &MachineCredential,
    quota: Quota,
    record: &AuditRecord,
) -> Result<MachineCredentialOutcome, StoreError> {
    let mut tx = scope::of_tenant(pool, &credential.key.tenant).await?;
    if let Some(refusal) = statements::refusal(&mut tx, credential, quota).await? {
        return Ok(refusal);
    }
    statements::insert(&mut tx, credential).await?;
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(MachineCredentialOutcome::Created)
}
