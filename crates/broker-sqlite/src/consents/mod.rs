//! Authorization requests.

mod rows;
mod settle;
mod start;

use async_trait::async_trait;
use broker_core::ports::{
    ClaimedPoll, CodeToKeep, ConsentStore, DuePoll, ImportOutcome, NewImport, PollClaim, PollEnd,
    StartOutcome, StoreError,
};
use broker_core::{
    AuditRecord, Authorization, AuthorizationId, AuthorizationStatus, DeviceAuthorization, QuotaKind,
    TenantId, Timestamp,
};

pub(crate) use self::rows::read;
use self::settle::{end, keep};
use crate::operation::failed;
use crate::{SqliteStore, audit, polls};

#[async_trait]
impl ConsentStore for SqliteStore {
    async fn start_authorization(
        &self,
        authorization: &Authorization,
        record: &AuditRecord,
    ) -> Result<StartOutcome, StoreError> {
        self.operation("start_authorization", async {
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

    async fn start_import(
        &self,
        import: &NewImport,
        record: &AuditRecord,
    ) -> Result<ImportOutcome, StoreError> {
        self.operation("start_import", async {
            let mut tx = self.write().await?;
            let outcome = self.begin_import(&mut tx, import).await?;
            if outcome == ImportOutcome::Started {
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
        self.operation("authorization", async { rows::read(&mut *self.read().await?, tenant, id).await })
            .await
    }

    async fn authorization_by_state(
        &self,
        tenant: &TenantId,
        state_digest: &[u8; 32],
    ) -> Result<Option<Authorization>, StoreError> {
        self.operation("authorization_by_state", rows::by_state(&self.readers, tenant, state_digest)).await
    }

    async fn authorization_of_browser(
        &self,
        state_digest: &[u8; 32],
    ) -> Result<Option<Authorization>, StoreError> {
        self.operation("authorization_of_browser", rows::of_browser(&self.readers, state_digest)).await
    }

    async fn keep_code(&self, code: &CodeToKeep, record: &AuditRecord) -> Result<bool, StoreError> {
        self.operation("keep_code", async {
            let mut tx = self.write().await?;
            let kept = keep(&mut tx, code).await?;
            if kept {
                audit::write(&mut tx, record).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(kept)
        })
        .await
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

    async fn start_device_authorization(
        &self,
        authorization: &Authorization,
        device: &DeviceAuthorization,
        record: &AuditRecord,
    ) -> Result<StartOutcome, StoreError> {
        self.operation("start_device_authorization", async {
            let mut tx = self.write().await?;
            let outcome = self.start(&mut tx, authorization).await?;
            if outcome == StartOutcome::Started {
                polls::insert(&mut tx, &authorization.key.tenant, authorization.id, device).await?;
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn device_authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        self.operation("device_authorization", async {
            polls::read(&mut *self.read().await?, tenant, id).await
        })
        .await
    }

    async fn due_polls(&self, due_by: Timestamp, limit: u32) -> Result<Vec<DuePoll>, StoreError> {
        self.operation("due_polls", polls::due(&self.readers, due_by, limit)).await
    }

    async fn put_off_polls(
        &self,
        polls: &[DuePoll],
        due_by: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.operation("put_off_polls", async {
            let mut tx = self.write().await?;
            polls::put_off_all(&mut tx, polls, due_by, until).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn claim_poll(&self, claim: &PollClaim) -> Result<Option<ClaimedPoll>, StoreError> {
        let quota = self.quotas.of(&claim.tenant, QuotaKind::Grants);
        self.operation("claim_poll", async {
            let mut tx = self.write().await?;
            let claimed = polls::claim(&mut tx, claim, quota).await?;
            tx.commit().await.map_err(failed)?;
            Ok(claimed)
        })
        .await
    }

    async fn end_poll(&self, end: &PollEnd) -> Result<bool, StoreError> {
        self.operation("end_poll", async {
            let mut tx = self.write().await?;
            let ended = polls::end(&mut tx, end).await?;
            tx.commit().await.map_err(failed)?;
            Ok(ended)
        })
        .await
    }
}
