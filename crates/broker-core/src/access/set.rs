//! The decision: every policy in memory, found by the caller's name.

use std::collections::HashMap;
use std::iter::once;
use std::sync::Arc;
use std::time::Duration;

use super::rate::Buckets;
use super::{AccessAction, AccessPolicy, Asked};
use crate::{Clock, PolicyId, Principal, ProviderName, TenantId};

/// What a caller asks to do.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The name of the RPC, for the log: nothing is decided by it.
    pub rpc: &'static str,
    /// Who asks.
    pub principal: &'a Principal,
    /// What kind of doing it is.
    pub action: AccessAction,
    /// Whose.
    pub tenant: Asked<'a, TenantId>,
    /// Where.
    pub provider: Asked<'a, ProviderName>,
    /// With which scopes; `None` where they are not known yet, or play no part.
    pub scopes: Option<&'a [String]>,
}

/// Why a caller may not do what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No policy allows it.
    Denied,
    /// Every policy that allows it is at its rate; when the first will not be.
    RateLimited(Duration),
}

/// A policy in force, with its buckets.
pub(super) struct Standing {
    pub(super) policy: AccessPolicy,
    buckets: Option<Buckets>,
}

/// All policies in force. What none of them allows is denied.
#[derive(Default)]
pub struct PolicySet {
    /// In the order of their ids.
    all: Vec<Arc<Standing>>,
    of_names: HashMap<Box<str>, Vec<Arc<Standing>>>,
    /// By what the names begin with.
    of_prefixes: HashMap<Box<str>, Vec<Arc<Standing>>>,
}

impl PolicySet {
    /// These policies. Of two with one id the first stands.
    pub fn new(policies: impl IntoIterator<Item = AccessPolicy>) -> Self {
        Self::default().replaced_by(policies)
    }

    /// These policies; a policy that stays goes on with the buckets it has.
    pub(super) fn replaced_by(&self, policies: impl IntoIterator<Item = AccessPolicy>) -> Self {
        let mut all: Vec<_> = policies.into_iter().map(|policy| self.standing(policy)).collect();
        all.sort_by_key(|standing| standing.policy.id);
        all.dedup_by_key(|standing| standing.policy.id);
        let mut set = Self { all, ..Self::default() };
        for standing in &set.all {
            let pattern = &standing.policy.rule.principal;
            let (index, key) = match pattern.prefix() {
                Some(prefix) => (&mut set.of_prefixes, prefix),
                None => (&mut set.of_names, pattern.as_str()),
            };
            index.entry(key.into()).or_default().push(standing.clone());
        }
        set
    }

    fn standing(&self, policy: AccessPolicy) -> Arc<Standing> {
        match self.find(policy.id) {
            Some(kept) if kept.policy == policy => kept.clone(),
            _ => Arc::new(Standing { buckets: policy.rule.rate.map(Buckets::new), policy }),
        }
    }

    fn find(&self, id: PolicyId) -> Option<&Arc<Standing>> {
        let at = self.all.binary_search_by_key(&id, |standing| standing.policy.id).ok()?;
        self.all.get(at)
    }

    /// The policy of that id.
    pub fn policy(&self, id: PolicyId) -> Option<&AccessPolicy> {
        self.find(id).map(|standing| &standing.policy)
    }

    /// Every policy, in the order of their ids.
    pub fn policies(&self) -> impl Iterator<Item = &AccessPolicy> {
        self.all.iter().map(|standing| &standing.policy)
    }

    /// The policy that allows it, one without a rate before one with; `None`: it is denied.
    pub fn decide(&self, ask: &Ask<'_>) -> Option<&AccessPolicy> {
        let unlimited = self.allowing(ask).find(|standing| standing.buckets.is_none());
        unlimited.or_else(|| self.allowing(ask).next()).map(|standing| &standing.policy)
    }

    /// The same, and spends one request where every policy that allows it has a rate.
    pub(super) fn admit(&self, ask: &Ask<'_>, clock: &dyn Clock) -> Result<&Arc<Standing>, Refusal> {
        let mut refusal = Refusal::Denied;
        if let Some(unlimited) = self.allowing(ask).find(|standing| standing.buckets.is_none()) {
            return Ok(unlimited);
        }
        for standing in self.allowing(ask) {
            match standing.take(ask, clock) {
                Ok(()) => return Ok(standing),
                Err(wait) => refusal = refusal.or_wait(wait),
            }
        }
        Err(refusal)
    }

    fn allowing(&self, ask: &Ask<'_>) -> impl Iterator<Item = &Arc<Standing>> {
        self.meant(ask.principal.as_str()).filter(|standing| standing.policy.rule.allows(ask))
    }

    /// The policies for this caller, those for its name first, then those for ever shorter beginnings of it.
    fn meant(&self, name: &str) -> impl Iterator<Item = &Arc<Standing>> {
        let any_prefix = !self.of_prefixes.is_empty();
        let by_prefix =
            beginnings(name).filter(move |_| any_prefix).filter_map(|start| self.of_prefixes.get(start));
        self.of_names.get(name).into_iter().chain(by_prefix).flatten()
    }
}

/// What a `*` may follow in this name, the longest first, the empty one last.
fn beginnings(name: &str) -> impl Iterator<Item = &str> {
    let boundary = |(_, byte): &(usize, u8)| matches!(byte, b'/' | b':');
    let ends = name.bytes().enumerate().rev().filter(boundary).map(|(at, _)| at + 1);
    ends.chain(once(0)).map(|end| &name[..end])
}

impl Standing {
    fn take(&self, ask: &Ask<'_>, clock: &dyn Clock) -> Result<(), Duration> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        match ask.tenant {
            Asked::One(tenant) => buckets.take(tenant.as_str(), clock),
            // No tenant has such a name.
            Asked::All | Asked::Unknown => buckets.take("*", clock),
        }
    }
}

impl Refusal {
    /// The shorter wait; a wait rather than a denial.
    fn or_wait(self, wait: Duration) -> Self {
        match self {
            Self::RateLimited(shorter) if shorter <= wait => self,
            _ => Self::RateLimited(wait),
        }
    }
}
