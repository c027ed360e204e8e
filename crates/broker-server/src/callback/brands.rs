//! Whose page it is: what the configuration says of a tenant, and else the name it was created with.

use std::collections::BTreeMap;

use broker_core::{Broker, TenantId};

use super::pages::Brand;
use crate::config::PagesConfig;

pub(super) struct Brands(BTreeMap<String, Brand>);

impl Brands {
    pub(super) fn of(pages: &PagesConfig) -> Self {
        let brand = |(tenant, page): (&String, &crate::config::TenantPageConfig)| {
            let logo = page.logo_url.as_deref().and_then(|url| url.parse().ok());
            (tenant.clone(), Brand { name: page.display_name.clone(), logo })
        };
        Self(pages.tenants.iter().map(brand).collect())
    }

    /// A page without a name is better than none, so what cannot be read is left out.
    pub(super) async fn of_tenant(&self, broker: &Broker, tenant: &TenantId) -> Brand {
        let mut brand = self.0.get(tenant.as_str()).cloned().unwrap_or_default();
        if brand.name.is_none() {
            let tenant = broker.tenant(tenant).await.ok();
            brand.name = tenant.map(|tenant| tenant.display_name).filter(|name| !name.is_empty());
        }
        brand
    }
}
