//! Grants ready to vend, sealed, in memory.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::ports::{GrantStore, VendableGrant};
use crate::{BrokerError, GrantId, GrantKey};

/// A bounded set of grants, as sealed as in the store. Every change of a grant forgets it here.
pub(crate) struct GrantCache {
    grants: Cache<GrantKey, Arc<VendableGrant>>,
    /// News of other replicas names a grant by its id.
    keys: Cache<GrantId, GrantKey>,
}

impl GrantCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { grants: Cache::new(capacity), keys: Cache::new(capacity) }
    }

    /// Concurrent calls for one key read the store once. A `forget` during the read keeps its result out.
    pub(crate) async fn get_or_load(
        &self,
        key: &GrantKey,
        store: &dyn GrantStore,
    ) -> Result<Arc<VendableGrant>, BrokerError> {
        self.grants
            .get_or_insert_async(key, async {
                // Before the read: news that comes during it must find the key.
                self.keys.insert(key.grant_id(), key.clone());
                store.vendable(key).await?.map(Arc::new).ok_or(BrokerError::GrantNotFound)
            })
            .await
    }

    pub(crate) fn forget(&self, key: &GrantKey) {
        self.grants.remove(key);
    }

    /// Forgets what the caller has seen. `false`: it was forgotten before, and somebody may have looked since.
    pub(super) fn forget_seen(&self, seen: &Arc<VendableGrant>) -> bool {
        self.grants.remove_if(&seen.grant.key, |held| Arc::ptr_eq(held, seen)).is_some()
    }

    pub(crate) fn forget_id(&self, grant: GrantId) {
        if let Some(key) = self.keys.get(&grant) {
            self.forget(&key);
        }
    }

    pub(crate) fn forget_all(&self) {
        self.grants.clear();
    }
}
