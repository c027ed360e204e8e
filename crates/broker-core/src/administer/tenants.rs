//! Tenants: create, read, list, change.

use broker_crypto::{KeyPurpose, generate_dek};

use super::outcome::{changed, id_reused};
use crate::ports::{CreateOutcome, TenantChange};
use crate::{Actor, Broker, BrokerError, RequestId, RowVersion, Tenant, TenantId};

impl Broker {
    /// Creates a tenant with a fresh data key of each purpose. A repeated request answers the tenant it has made.
    pub async fn create_tenant(
        &self,
        id: TenantId,
        display_name: String,
        request: Option<RequestId>,
        by: &Actor,
    ) -> Result<Tenant, BrokerError> {
        let encryption = self.keys.encryption.as_ref();
        let mut keys = Vec::new();
        for purpose in KeyPurpose::ALL {
            keys.push(generate_dek(encryption, id.as_str(), purpose, self.entropy.as_ref()).await?);
        }
        let request = self.mark(request, "CreateTenant", &[id.as_str(), &display_name]);
        let now = self.clock.now();
        let tenant = Tenant {
            id,
            display_name,
            keys,
            created_at: now,
            updated_at: now,
            version: RowVersion::first(now),
        };
        let record = by.did(Some(&tenant.id), now).resource(format!("tenants/{}", tenant.id));
        match self.tenants.create_tenant(&tenant, request.as_ref(), &record).await? {
            CreateOutcome::Created => Ok(tenant),
            CreateOutcome::Taken => Err(BrokerError::AlreadyExists("tenant")),
            CreateOutcome::Repeated(_) => self.tenant(&tenant.id).await,
            CreateOutcome::IdReused => Err(id_reused()),
            CreateOutcome::OverQuota(quota) => Err(BrokerError::QuotaExceeded(quota)),
        }
    }

    /// The tenant of that id.
    pub async fn tenant(&self, id: &TenantId) -> Result<Tenant, BrokerError> {
        self.tenants.tenant(id).await?.ok_or(BrokerError::TenantNotFound)
    }

    /// A page of tenants, ordered by id, without their keys.
    pub async fn list_tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Vec<Tenant>, BrokerError> {
        Ok(self.tenants.list_tenants(after, limit).await?)
    }

    /// Changes a tenant that is not being deleted, if it still has the version expected.
    pub async fn update_tenant(
        &self,
        id: TenantId,
        display_name: String,
        expected: Option<RowVersion>,
        by: &Actor,
    ) -> Result<Tenant, BrokerError> {
        self.refuse_if_deleting(&id).await?;
        let change = TenantChange { id, display_name, expected, at: self.clock.now() };
        let record = by.did(Some(&change.id), change.at).resource(format!("tenants/{}", change.id));
        let outcome = self.tenants.update_tenant(&change, &record).await?;
        changed(outcome, BrokerError::TenantNotFound, "the tenant")?;
        self.tenant(&change.id).await
    }
}
