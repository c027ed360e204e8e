//! How much a tenant may have.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::TenantId;

/// What there may be only so much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaKind {
    /// Grants that are neither revoked nor being revoked, and consents whose code is being exchanged for one.
    Grants,
    /// Client registrations.
    ClientRegistrations,
    /// Authorizations that a user may still complete.
    PendingAuthorizations,
    /// Access policies about this tenant alone, those of the configuration not counted.
    AccessPolicies,
    /// Webhooks, enabled or not.
    Webhooks,
}

impl QuotaKind {
    /// The name in error details.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grants => "grants",
            Self::ClientRegistrations => "client_registrations",
            Self::PendingAuthorizations => "pending_authorizations",
            Self::AccessPolicies => "access_policies",
            Self::Webhooks => "webhooks",
        }
    }
}

/// One limit of one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What is limited.
    pub kind: QuotaKind,
    /// At most so many.
    pub limit: NonZeroU32,
}

impl Quota {
    /// Whether there may be so many. What is about to be made is counted.
    pub fn allows(&self, count: u64) -> bool {
        count <= u64::from(self.limit.get())
    }
}

/// How much one tenant may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantQuotas {
    /// [`QuotaKind::Grants`].
    pub grants: NonZeroU32,
    /// [`QuotaKind::ClientRegistrations`].
    pub client_registrations: NonZeroU32,
    /// [`QuotaKind::PendingAuthorizations`].
    pub pending_authorizations: NonZeroU32,
    /// [`QuotaKind::AccessPolicies`].
    pub access_policies: NonZeroU32,
    /// [`QuotaKind::Webhooks`].
    pub webhooks: NonZeroU32,
}

impl Default for TenantQuotas {
    /// More than a tenant needs: these stop a mistake before it fills the store.
    fn default() -> Self {
        #[expect(clippy::unwrap_used, reason = "never fails: it is evaluated when this is compiled")]
        const fn at_most(limit: u32) -> NonZeroU32 {
            NonZeroU32::new(limit).unwrap()
        }
        Self {
            grants: const { at_most(100_000) },
            client_registrations: const { at_most(100) },
            pending_authorizations: const { at_most(10_000) },
            access_policies: const { at_most(1_000) },
            webhooks: const { at_most(20) },
        }
    }
}

/// How much each tenant may have: the same, but for those that are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotas {
    every: TenantQuotas,
    named: BTreeMap<TenantId, TenantQuotas>,
}

impl Quotas {
    /// `every` is for whoever is not `named`.
    pub fn new(every: TenantQuotas, named: BTreeMap<TenantId, TenantQuotas>) -> Self {
        Self { every, named }
    }

    /// One limit of a tenant.
    pub fn of(&self, tenant: &TenantId, kind: QuotaKind) -> Quota {
        let own = self.named.get(tenant).unwrap_or(&self.every);
        let limit = match kind {
            QuotaKind::Grants => own.grants,
            QuotaKind::ClientRegistrations => own.client_registrations,
            QuotaKind::PendingAuthorizations => own.pending_authorizations,
            QuotaKind::AccessPolicies => own.access_policies,
            QuotaKind::Webhooks => own.webhooks,
        };
        Quota { kind, limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named_has_limits_of_their_own() {
        let (acme, globex) = (TenantId::new("acme").unwrap(), TenantId::new("globex").unwrap());
        let two = TenantQuotas { grants: NonZeroU32::new(2).unwrap(), ..TenantQuotas::default() };
        let quotas = Quotas::new(TenantQuotas::default(), BTreeMap::from([(acme.clone(), two)]));
        assert_eq!(quotas.of(&acme, QuotaKind::Grants).limit.get(), 2);
        assert_eq!(quotas.of(&acme, QuotaKind::AccessPolicies).limit.get(), 1_000);
        assert_eq!(quotas.of(&globex, QuotaKind::Grants).limit.get(), 100_000);
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let quota = Quotas::default().of(&TenantId::new("acme").unwrap(), QuotaKind::ClientRegistrations);
        assert!(quota.allows(100));
        assert!(!quota.allows(101));
    }
}
