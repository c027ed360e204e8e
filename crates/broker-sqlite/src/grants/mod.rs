//! Grants and the durable steps of the rotation protocol: one file each.

mod adopt;
mod attempts;
mod claim;
mod close;
mod due;
mod exchange;
mod list;
mod lookup;
mod rows;
mod sent;
mod token_set;
mod vendable;

use async_trait::async_trait;
use broker_core::ports::{
    AdoptOutcome, Adoption, AttemptEnd, ClaimOutcome, DueGrant, ExchangeClaim, GrantFilter, GrantStore,
    RefreshClaim, StoreError, VendableGrant,
};
use broker_core::{Attempt, AttemptId, Grant, GrantKey, IncarnationId, TenantId, Timestamp};

use crate::SqliteStore;
use crate::operation::{failed, operation};

#[async_trait]
impl GrantStore for SqliteStore {
    async fn vendable(&self, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError> {
        operation("vendable", async { vendable::read(&mut *self.read().await?, key).await }).await
    }

    async fn list_grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError> {
        operation("list_grants", async { list::page(&mut *self.read().await?, filter).await }).await
    }

    async fn due_grants(&self, now: Timestamp, limit: u32) -> Result<Vec<DueGrant>, StoreError> {
        operation("due_grants", async { due::read(&mut *self.read().await?, now, limit).await }).await
    }

    async fn postpone(&self, due: &DueGrant, until: Timestamp) -> Result<(), StoreError> {
        operation("postpone", due::postpone(&self.writer, due, until)).await
    }

    async fn claim_refresh(&self, claim: &RefreshClaim) -> Result<ClaimOutcome, StoreError> {
        operation("claim_refresh", async {
            let mut tx = self.write().await?;
            let outcome = claim::refresh(&mut tx, claim).await?;
            tx.commit().await.map_err(failed)?;
            Ok(outcome)
        })
        .await
    }

    async fn claim_exchange(&self, claim: &ExchangeClaim) -> Result<Option<Attempt>, StoreError> {
        operation("claim_exchange", async {
            let mut tx = self.write().await?;
            let attempt = exchange::claim(&mut tx, claim).await?;
            tx.commit().await.map_err(failed)?;
            Ok(attempt)
        })
        .await
    }

    async fn mark_sent(&self, attempt: &Attempt, at: Timestamp) -> Result<bool, StoreError> {
        operation("mark_sent", async {
            let mut tx = self.write().await?;
            if !sent::mark(&mut tx, attempt, at).await? {
                return Ok(false);
            }
            tx.commit().await.map_err(failed)?;
            Ok(true)
        })
        .await
    }

    async fn adopt(&self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        operation("adopt", async {
            let mut tx = self.write().await?;
            let outcome = adopt::adopt(&mut tx, adoption).await?;
            tx.commit().await.map_err(failed)?;
            Ok(outcome)
        })
        .await
    }

    async fn close_attempt(&self, end: &AttemptEnd) -> Result<bool, StoreError> {
        operation("close_attempt", async {
            let mut tx = self.write().await?;
            let closed = close::close(&mut tx, end).await?;
            tx.commit().await.map_err(failed)?;
            Ok(closed)
        })
        .await
    }

    async fn attempt(&self, tenant: &TenantId, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        // On the writer's connection: whoever asks whether a claim was committed must not overtake its commit.
        operation("attempt", async {
            let mut tx = self.write().await?;
            attempts::read(&mut tx, tenant, id).await
        })
        .await
    }

    async fn orphaned_attempts(&self, owner: IncarnationId) -> Result<Vec<Attempt>, StoreError> {
        operation("orphaned_attempts", async { attempts::orphaned(&mut *self.read().await?, owner).await })
            .await
    }
}
