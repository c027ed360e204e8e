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

pub(crate) use self::rows::by_id;
use self::rows::{by_state, of_browser};
use self::settle::{end, keep};
use self::start::{start, start_import};
use crate::operation::failed;
use crate::{PostgresStore, audit, polls};

#[async_trait]
impl ConsentStore for PostgresStore {
    async fn start_authorization(
        &self,
        authorization: &Authorization,
        record: &AuditRecord,
    ) -> Result<StartOutcome, StoreError> {
        let of = |kind| self.quotas.of(&authorization.key.tenant, kind);
        let limits = (of(QuotaKind::PendingAuthorizations), of(QuotaKind::Grants));
        self.operation("start_authorization", start(&self.pools.consent, authorization, None, limits, record))
            .await
    }

    async fn start_import(
        &self,
        import: &NewImport,
        record: &AuditRecord,
    ) -> Result<ImportOutcome, StoreError> {
        let of = |kind| self.quotas.of(&import.authorization.key.tenant, kind);
        let limits = (of(QuotaKind::PendingAuthorizations), of(QuotaKind::Grants));
        self.operation("start_import", start_import(&self.pools.consent, import, limits, record)).await
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

    async fn authorization_of_browser(
        &self,
        state_digest: &[u8; 32],
    ) -> Result<Option<Authorization>, StoreError> {
        self.operation("authorization_of_browser", of_browser(&self.pools.consent, state_digest)).await
    }

    async fn keep_code(&self, code: &CodeToKeep, record: &AuditRecord) -> Result<bool, StoreError> {
        self.operation("keep_code", async {
            let mut tx = self.pools.consent.begin().await.map_err(failed)?;
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

    async fn start_device_authorization(
        &self,
        authorization: &Authorization,
        device: &DeviceAuthorization,
        record: &AuditRecord,
    ) -> Result<StartOutcome, StoreError> {
        let of = |kind| self.quotas.of(&authorization.key.tenant, kind);
        let limits = (of(QuotaKind::PendingAuthorizations), of(QuotaKind::Grants));
        let started = start(&self.pools.consent, authorization, Some(device), limits, record);
        self.operation("start_device_authorization", started).await
    }

    async fn device_authorization(
        &self,
        tenant: &TenantId,
        id: AuthorizationId,
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        self.operation("device_authorization", polls::read(&self.pools.consent, tenant, id)).await
    }

    async fn due_polls(&self, due_by: Timestamp, limit: u32) -> Result<Vec<DuePoll>, StoreError> {
        self.operation("due_polls", polls::due(&self.pools.rotation, due_by, limit)).await
    }

    async fn put_off_polls(
        &self,
        polls: &[DuePoll],
        due_by: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let put_off = polls::put_off_all(&self.pools.rotation, polls, due_by, until);
        self.operation("put_off_polls", put_off).await
    }

    async fn claim_poll(&self, claim: &PollClaim) -> Result<Option<ClaimedPoll>, StoreError> {
        let quota = self.quotas.of(&claim.tenant, QuotaKind::Grants);
        self.operation("claim_poll", polls::claim(&self.pools.rotation, claim, quota)).await
    }

    async fn end_poll(&self, end: &PollEnd) -> Result<bool, StoreError> {
        self.operation("end_poll", polls::end(&self.pools.adoption, end)).await
    }
}
