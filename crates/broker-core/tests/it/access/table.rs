//! One policy, and the calls it allows and does not.

use super::naive::{NaiveCall, NaivePolicy};
use super::random::{guard_of, is_allowed};

fn policy() -> NaivePolicy {
    NaivePolicy {
        principal: "spiffe://acme/prod/*".to_owned(),
        actions: vec!["vend", "observe"],
        tenant: "acme",
        provider: "evercam",
        max_scopes: vec!["live", "cameras:read"],
    }
}

fn call() -> NaiveCall {
    NaiveCall {
        principal: "spiffe://acme/prod/sa/recorder".to_owned(),
        action: "vend",
        tenant: "acme",
        provider: "evercam",
        scopes: None,
    }
}

#[test]
fn a_policy_allows_what_all_of_its_parts_allow() {
    let scopes = |scopes: &[&'static str]| Some(scopes.to_vec());
    for (allowed, call) in [
        (true, call()),
        (true, NaiveCall { action: "observe", ..call() }),
        (false, NaiveCall { action: "administer", ..call() }),
        (false, NaiveCall { principal: "spiffe://acme/production/sa".into(), ..call() }),
        (false, NaiveCall { tenant: "globex", ..call() }),
        (false, NaiveCall { tenant: "*", ..call() }),
        (true, NaiveCall { tenant: "", ..call() }),
        (false, NaiveCall { provider: "eagle-eye", ..call() }),
        (false, NaiveCall { provider: "*", ..call() }),
        (true, NaiveCall { provider: "", ..call() }),
        (true, NaiveCall { scopes: scopes(&["live"]), ..call() }),
        (false, NaiveCall { scopes: scopes(&["live", "vms.all"]), ..call() }),
        (false, NaiveCall { scopes: scopes(&[]), ..call() }),
    ] {
        assert_eq!(is_allowed(&guard_of(&[policy()]), &call), allowed, "{call:?}");
    }
}

#[test]
fn two_policies_do_not_add_up_to_a_third() {
    let at = |provider| NaivePolicy { provider, ..policy() };
    let guard = guard_of(&[at("evercam"), at("eagle-eye")]);
    assert!(!is_allowed(&guard, &NaiveCall { provider: "*", ..call() }), "each for one is none for all");
    let scoped = |scope| NaivePolicy { max_scopes: vec![scope], ..policy() };
    let guard = guard_of(&[scoped("live"), scoped("vms.all")]);
    assert!(!is_allowed(&guard, &NaiveCall { scopes: Some(vec!["live", "vms.all"]), ..call() }));
}

#[test]
fn a_star_for_all_reaches_all() {
    let everybody = NaivePolicy {
        principal: "*".to_owned(),
        tenant: "*",
        provider: "*",
        max_scopes: Vec::new(),
        ..policy()
    };
    for tenant in ["acme", "*", ""] {
        let call =
            NaiveCall { principal: "dev".into(), tenant, provider: "*", scopes: Some(vec![]), ..call() };
        assert!(is_allowed(&guard_of(std::slice::from_ref(&everybody)), &call), "{call:?}");
    }
}
