//! What operators ask for, and what a tenant that is being deleted is refused.

use std::collections::BTreeMap;

use crate::ports::{Deletion, GrantFilter};
use crate::{Actor, Broker, BrokerError, RowVersion, Tenant, TenantId};

impl Broker {
    /// Deletes a tenant. At the answer its deletion is durable and every grant of it revoked here; the providers are told
    /// and the keys destroyed in the background. Idempotent: call it again to learn how far it is.
    /// Fails with `EtagMismatch` if the tenant has another version than expected.
    pub async fn delete_tenant(
        &self,
        id: &TenantId,
        expected: Option<RowVersion>,
        by: &Actor,
    ) -> Result<(Tenant, Deletion), BrokerError> {
        let tenant = self.tenant(id).await?;
        if expected.is_some_and(|expected| expected != tenant.version) {
            return Err(BrokerError::EtagMismatch);
        }
        if self.deletions.deletion(id).await?.is_none() {
            let now = self.clock.now();
            let record = by.did(Some(id), now).resource(format!("tenants/{id}"));
            self.deletions.begin_deletion(id, now, &record).await?;
            tracing::warn!(tenant = %id, "a tenant is being deleted");
        }
        self.revoke_grants_left(id, by).await?;
        let deletion = self.deletions.deletion(id).await?.ok_or(BrokerError::TenantNotFound)?;
        Ok((tenant, deletion))
    }

    /// How far a tenant's deletion is; `None` if it is not being deleted.
    pub async fn deletion(&self, id: &TenantId) -> Result<Option<Deletion>, BrokerError> {
        Ok(self.deletions.deletion(id).await?)
    }

    /// How far the deletions of a page of tenants are, of those that are being deleted.
    pub async fn deletions_of(
        &self,
        tenants: &[Tenant],
    ) -> Result<BTreeMap<TenantId, Deletion>, BrokerError> {
        let (Some(first), Some(last)) = (tenants.first(), tenants.last()) else {
            return Ok(BTreeMap::new());
        };
        let deletions = self.deletions.deletions_between(&first.id, &last.id).await?;
        Ok(deletions.into_iter().collect())
    }

    /// Revokes every grant of the tenant that is not, however many.
    pub(super) async fn revoke_grants_left(&self, tenant: &TenantId, by: &Actor) -> Result<(), BrokerError> {
        let filter = GrantFilter {
            tenant: tenant.clone(),
            provider: None,
            user: None,
            registration: None,
            lifecycles: Vec::new(),
            after: None,
            limit: 0,
        };
        while self.revoke_grants(&filter, false, by).await?.more {}
        Ok(())
    }

    /// Nothing new begins for a tenant that is being deleted: to callers it is gone.
    pub(crate) async fn refuse_if_deleting(&self, tenant: &TenantId) -> Result<(), BrokerError> {
        match self.deletions.deletion(tenant).await? {
            Some(_) => Err(BrokerError::TenantNotFound),
            None => Ok(()),
        }
    }
}
