//! Tenants' data keys, opened once and kept.

use std::sync::Arc;

use broker_crypto::{KeyRing, TenantKeys};
use quick_cache::sync::Cache;

use crate::ports::TenantStore;
use crate::{BrokerError, TenantId};

const TENANTS_KEPT: usize = 10_000;

/// Opens a tenant's data keys on first use.
pub(crate) struct TenantKeyCache {
    pub(crate) ring: KeyRing,
    tenants: Arc<dyn TenantStore>,
    opened: Cache<TenantId, Arc<TenantKeys>>,
}

impl TenantKeyCache {
    pub(crate) fn new(ring: KeyRing, tenants: Arc<dyn TenantStore>) -> Self {
        Self { ring, tenants, opened: Cache::new(TENANTS_KEPT) }
    }

    /// Forgets a tenant's keys: they were destroyed.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.opened.remove(tenant);
    }

    /// The keys of `tenant`; [`BrokerError::TenantNotFound`] if there is none.
    pub(crate) async fn of(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, BrokerError> {
        self.opened
            .get_or_insert_async(tenant, async {
                let row = self.tenants.tenant(tenant).await?.ok_or(BrokerError::TenantNotFound)?;
                Ok(Arc::new(TenantKeys::unwrap(&self.ring, tenant.as_str(), &row.keys)?))
            })
            .await
    }
}
