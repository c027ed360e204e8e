//! `[access] tenant_max_…` and `[[access.quota]]`: how much a tenant may have.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use broker_core::{Quotas, TenantId, TenantQuotas};
use serde::Deserialize;

use super::{AccessConfig, Config};

/// `[[access.quota]]`: limits of one tenant; what is left out is as for every other.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaConfig {
    /// Whose.
    pub tenant: String,
    /// Grants that live.
    pub max_grants: Option<u32>,
    /// Client registrations.
    pub max_client_registrations: Option<u32>,
    /// Authorizations that users may still complete.
    pub max_pending_authorizations: Option<u32>,
    /// Access policies about the tenant.
    pub max_access_policies: Option<u32>,
    /// Webhooks.
    pub max_webhooks: Option<u32>,
}

impl Config {
    /// How much each tenant may have; else every problem, with its key.
    pub fn quotas(&self) -> Result<Quotas, Vec<String>> {
        let mut problems = Vec::new();
        let at = |key: &str| format!("[access] tenant_{key}");
        let every = self.access.every_tenant().over(TenantQuotas::default(), at, &mut problems);
        let mut named = BTreeMap::new();
        for (number, own) in (1..).zip(&self.access.quota) {
            let at = |key: &str| format!("[[access.quota]] number {number}: {key}");
            let limits = own.over(every, at, &mut problems);
            match TenantId::new(own.tenant.as_str()) {
                Err(problem) => problems.push(format!("{} {problem}", at("tenant"))),
                Ok(tenant) if named.contains_key(&tenant) => {
                    problems.push(format!("{} has limits before it", at("tenant")));
                }
                Ok(tenant) => drop(named.insert(tenant, limits)),
            }
        }
        if problems.is_empty() { Ok(Quotas::new(every, named)) } else { Err(problems) }
    }
}

impl AccessConfig {
    fn every_tenant(&self) -> QuotaConfig {
        QuotaConfig {
            tenant: String::new(),
            max_grants: Some(self.tenant_max_grants),
            max_client_registrations: Some(self.tenant_max_client_registrations),
            max_pending_authorizations: Some(self.tenant_max_pending_authorizations),
            max_access_policies: Some(self.tenant_max_access_policies),
            max_webhooks: Some(self.tenant_max_webhooks),
        }
    }
}

impl QuotaConfig {
    /// These limits, and those of `default` where nothing is said. `at` says where a key stands.
    fn over(
        &self,
        default: TenantQuotas,
        at: impl Fn(&str) -> String,
        problems: &mut Vec<String>,
    ) -> TenantQuotas {
        let mut limit = |key: &str, said: Option<u32>, default: NonZeroU32| {
            let read = said.map_or(Some(default), NonZeroU32::new);
            read.unwrap_or_else(|| {
                problems.push(format!("{} must be at least 1; leave it out for {default}", at(key)));
                default
            })
        };
        TenantQuotas {
            grants: limit("max_grants", self.max_grants, default.grants),
            client_registrations: limit(
                "max_client_registrations",
                self.max_client_registrations,
                default.client_registrations,
            ),
            pending_authorizations: limit(
                "max_pending_authorizations",
                self.max_pending_authorizations,
                default.pending_authorizations,
            ),
            access_policies: limit("max_access_policies", self.max_access_policies, default.access_policies),
            webhooks: limit("max_webhooks", self.max_webhooks, default.webhooks),
        }
    }
}

#[cfg(test)]
mod tests {
    use broker_core::QuotaKind;

    use super::*;

    fn quotas(toml: &str) -> Result<Quotas, Vec<String>> {
        toml::from_str::<Config>(toml).unwrap().quotas()
    }

    fn limit(quotas: &Quotas, tenant: &str, kind: QuotaKind) -> u32 {
        quotas.of(&TenantId::new(tenant).unwrap(), kind).limit.get()
    }

    #[test]
    fn what_is_said_goes_over_the_defaults_and_a_tenants_own_over_both() {
        let quotas = quotas(
            "[access]\ntenant_max_grants = 7\ntenant_max_access_policies = 5\n\
             [[access.quota]]\ntenant = \"acme\"\nmax_grants = 9\n",
        )
        .unwrap();
        let of = |tenant, kind| limit(&quotas, tenant, kind);
        assert_eq!((of("globex", QuotaKind::Grants), of("acme", QuotaKind::Grants)), (7, 9));
        assert_eq!(of("acme", QuotaKind::AccessPolicies), 5);
        assert_eq!(of("acme", QuotaKind::ClientRegistrations), 100);
        assert_eq!(of("globex", QuotaKind::PendingAuthorizations), 10_000);
    }

    #[test]
    fn no_limit_is_zero_and_every_problem_is_told_with_its_place() {
        let problems = quotas(
            "[access]\ntenant_max_client_registrations = 0\n\
             [[access.quota]]\ntenant = \"acme\"\nmax_pending_authorizations = 0\n\
             [[access.quota]]\ntenant = \"acme\"\n[[access.quota]]\ntenant = \"*\"\n",
        )
        .unwrap_err();
        let begins = [
            "[access] tenant_max_client_registrations must be at least 1; leave it out for 100",
            "[[access.quota]] number 1: max_pending_authorizations must be at least 1",
            "[[access.quota]] number 2: tenant has limits before it",
            "[[access.quota]] number 3: tenant ",
        ];
        assert_eq!(problems.len(), begins.len(), "{problems:?}");
        for (problem, begin) in problems.iter().zip(begins) {
            assert!(problem.starts_with(begin), "{problem}");
        }
    }
}
