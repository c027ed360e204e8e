//! Grants ready to vend, sealed, in memory.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::ports::{GrantStore, VendableGrant};
use crate::{BrokerError, GrantKey};

/// A bounded set of grants, as sealed as in the store. Every change of a grant forgets it here.
pub(crate) struct GrantCache {
    grants: Cache<GrantKey, Arc<VendableGrant>>,
}

impl GrantCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { grants: Cache::new(capacity) }
    }

    /// Concurrent calls for one key read the store once. A `forget` during the read keeps its result out.
    pub(crate) async fn get_or_load(
        &self,
        key: &GrantKey,
        store: &dyn GrantStore,
    ) -> Result<Arc<VendableGrant>, BrokerError> {
        self.grants
            .get_or_insert_async(key, async {
                store.vendable(key).await?.map(Arc::new).ok_or(BrokerError::GrantNotFound)
            })
            .await
    }

    pub(crate) fn forget(&self, key: &GrantKey) {
        self.grants.remove(key);
    }
}
