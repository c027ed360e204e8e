//! The end of a deletion: the data keys. Every replica tries, and the store decides.

use std::time::Duration;

use crate::keys::TenantKeyCache;
use crate::ports::{DeletionStore, DestroyKeys, StoreError};
use crate::{Actor, AuditAction, Broker, BrokerError, TenantId, Timestamp};

/// How far back a heartbeat looks for tenants whose keys are to be forgotten.
const LOOKED_BACK: Duration = Duration::from_secs(60);

impl Broker {
    /// Goes on with every deletion: whichever replica began it may be gone.
    pub async fn go_on_deleting(&self) -> Result<(), BrokerError> {
        // A copy of the store must not delete what the original lives on (rule 16).
        if self.fleet.barred().is_some() {
            return Ok(());
        }
        for tenant in self.deletions.deletions().await? {
            // A consent that was under way when the deletion began may have made a grant since.
            self.revoke_grants_left(&tenant, &Actor::broker(AuditAction::DELETE_TENANT)).await?;
            let now = self.clock.now();
            let timing = &self.timing;
            let ask = DestroyKeys {
                tenant: tenant.clone(),
                at: now,
                // The last answer was read by then, or its journal has been waited for.
                settled_since: now - (timing.late_read + timing.death_detection + timing.escrow_wait),
                alive_since: self.silent_since(),
            };
            if self.deletions.destroy_keys(&ask).await? {
                self.keys.forget(&tenant);
                tracing::warn!(%tenant, "a tenant was deleted: its data keys are destroyed");
            }
        }
        Ok(())
    }

    /// Forgets keys that another replica has destroyed.
    pub(crate) async fn forget_destroyed(&self) -> Result<(), StoreError> {
        forget_destroyed(self.deletions.as_ref(), &self.keys, self.clock.now()).await
    }

    /// Whether nothing of the tenant can be opened any more, so that nothing of it is left to settle.
    pub(crate) async fn is_destroyed(&self, tenant: &TenantId) -> bool {
        let deletion = self.deletions.deletion(tenant).await;
        matches!(deletion, Ok(Some(deletion)) if deletion.destroyed_at.is_some())
    }
}

/// Forgets keys that were destroyed of late, whoever keeps them.
pub(crate) async fn forget_destroyed(
    deletions: &dyn DeletionStore,
    keys: &TenantKeyCache,
    now: Timestamp,
) -> Result<(), StoreError> {
    for tenant in deletions.destroyed_since(now - LOOKED_BACK).await? {
        keys.forget(&tenant);
    }
    Ok(())
}
