//! Token sets that are to be revoked at their provider.

pub(crate) mod answers;
mod queue;
mod revoke;

use async_trait::async_trait;
use broker_core::ports::{PendingRevocation, RevocationStore, StoreError, TakeRevocations};
use broker_core::{AuditRecord, GrantKey, LastFailure, RevocationId, RevocationOutcome, TenantId, Timestamp};

use crate::SqliteStore;
use crate::audit;
use crate::operation::failed;

#[async_trait]
impl RevocationStore for SqliteStore {
    async fn revoke(
        &self,
        keys: &[GrantKey],
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<Vec<GrantKey>, StoreError> {
        self.operation("revoke", async {
            let mut tx = self.write().await?;
            let revoked = revoke::revoke(&mut tx, keys, at).await?;
            for key in &revoked {
                let tenant = Some(key.tenant.clone());
                audit::write(&mut tx, &AuditRecord { tenant, ..record.clone().about(key) }).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(revoked)
        })
        .await
    }

    async fn take_revocations(&self, ask: TakeRevocations) -> Result<Vec<PendingRevocation>, StoreError> {
        self.operation("take_revocations", async {
            // Most of the time nothing is due, and that is found out without the write lock.
            if !queue::is_due(&mut *self.read().await?, ask.due_by).await? {
                return Ok(Vec::new());
            }
            let mut tx = self.write().await?;
            let taken = queue::take(&mut tx, ask).await?;
            tx.commit().await.map_err(failed)?;
            Ok(taken)
        })
        .await
    }

    async fn is_pending(&self, tenant: &TenantId, id: RevocationId) -> Result<bool, StoreError> {
        self.operation("is_pending", async { queue::is_pending(&mut *self.read().await?, tenant, id).await })
            .await
    }

    async fn put_off(
        &self,
        revocation: &PendingRevocation,
        failure: Option<&LastFailure>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.operation("put_off", async {
            let mut tx = self.write().await?;
            queue::put_off(&mut tx, revocation, failure, until).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn end_revocation(
        &self,
        revocation: &PendingRevocation,
        outcome: RevocationOutcome,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.operation("end_revocation", async {
            let mut tx = self.write().await?;
            let revoked = queue::end(&mut tx, revocation, outcome, at).await?;
            tx.commit().await.map_err(failed)?;
            Ok(revoked)
        })
        .await
    }

    async fn revoked_since(&self, since: Timestamp, limit: u32) -> Result<Vec<GrantKey>, StoreError> {
        self.operation("revoked_since", async {
            revoke::revoked_since(&mut *self.read().await?, since, limit).await
        })
        .await
    }

    async fn prune_revocations(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.operation("prune_revocations", queue::prune(&self.writer, ended_before, limit)).await
    }
}
