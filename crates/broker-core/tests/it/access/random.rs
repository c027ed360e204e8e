//! Policies and calls drawn from so few words that they meet, and both ways of deciding about them.

use std::sync::Arc;

use broker_core::{
    Access, AccessAction, AccessRule, ActionSet, Ask, Asked, Principal, PrincipalPattern, ProviderName,
    Reach, ScopeLimit, TenantId,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::naive::{NaiveCall, NaivePolicy};
use super::world::{Door, World, settings};

const NAMES: [&str; 7] = [
    "jwt:ci",
    "jwt:ci:nightly",
    "jwt:c",
    "spiffe://acme/prod/sa/recorder",
    "spiffe://acme/production/sa",
    "spiffe://acme/prod/",
    "dev",
];
const PATTERNS: [&str; 8] = [
    "*",
    "jwt:*",
    "jwt:ci:*",
    "spiffe://*",
    "spiffe://acme/*",
    "spiffe://acme/prod/*",
    "spiffe://acme/prod/sa/*",
    "/*",
];
const ACTIONS: [&str; 5] = ["vend", "consent", "observe", "operate", "administer"];
const TENANTS: [&str; 3] = ["acme", "acme-2", "globex"];
const PROVIDERS: [&str; 2] = ["evercam", "eagle-eye"];
const SCOPES: [&str; 4] = ["cameras:read", "cameras", "live", "vms.all"];

prop_compose! {
    pub(super) fn policy()(
        principal in select([NAMES.as_slice(), &PATTERNS].concat()),
        actions in subsequence(ACTIONS.to_vec(), 1..=5),
        tenant in select([TENANTS.as_slice(), &["*"]].concat()),
        provider in select([PROVIDERS.as_slice(), &["*"]].concat()),
        max_scopes in subsequence(SCOPES.to_vec(), 0..=4),
    ) -> NaivePolicy {
        NaivePolicy { principal: principal.to_owned(), actions, tenant, provider, max_scopes }
    }
}

prop_compose! {
    pub(super) fn call()(
        principal in select(NAMES.to_vec()),
        action in select(ACTIONS.to_vec()),
        tenant in select([TENANTS.as_slice(), &["*", ""]].concat()),
        provider in select([PROVIDERS.as_slice(), &["*", ""]].concat()),
        scopes in proptest::option::of(subsequence(SCOPES.to_vec(), 0..=4)),
    ) -> NaiveCall {
        NaiveCall { principal: principal.to_owned(), action, tenant, provider, scopes }
    }
}

/// A guard that holds these policies.
pub(super) fn guard_of(policies: &[NaivePolicy]) -> Arc<Access> {
    World::on(Door::to_nowhere(), settings(policies.iter().map(rule_of).collect()), 1).access
}

fn rule_of(policy: &NaivePolicy) -> AccessRule {
    AccessRule {
        principal: PrincipalPattern::new(policy.principal.as_str()).unwrap(),
        actions: ActionSet::from_names(&policy.actions.join(" ")).unwrap(),
        tenant: Reach::new(policy.tenant, TenantId::new).unwrap(),
        provider: Reach::new(policy.provider, ProviderName::new).unwrap(),
        max_scopes: ScopeLimit::new(owned(&policy.max_scopes)).unwrap(),
        rate: None,
    }
}

/// Whether the broker lets the call in, and explains it so.
pub(super) fn is_allowed(guard: &Arc<Access>, call: &NaiveCall) -> bool {
    let principal = Principal::new(&call.principal).unwrap();
    let tenant = TenantId::new(call.tenant).ok();
    let provider = ProviderName::new(call.provider).ok();
    let scopes = call.scopes.as_deref().map(owned);
    let ask = Ask {
        rpc: "Test",
        principal: &principal,
        action: AccessAction::from_name(call.action).unwrap(),
        tenant: asked(call.tenant, tenant.as_ref()),
        provider: asked(call.provider, provider.as_ref()),
        scopes: scopes.as_deref(),
    };
    let allowed = guard.admit(&ask).is_ok();
    assert_eq!(guard.explain(&ask).is_some(), allowed, "{call:?}");
    allowed
}

fn asked<'a, T>(text: &str, name: Option<&'a T>) -> Asked<'a, T> {
    match (text, name) {
        ("", _) => Asked::Unknown,
        ("*", _) => Asked::All,
        (_, name) => Asked::One(name.unwrap()),
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
