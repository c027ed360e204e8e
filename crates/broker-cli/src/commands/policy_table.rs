//! Access policies for people.

use broker_proto::v1::{AccessPolicy, ExplainAccessResponse};
use prost_types::Timestamp;

use super::short;
use crate::output::{Cell, Table, Tone};
use crate::when::when;

/// One line per policy.
pub(crate) fn list(policies: &[AccessPolicy]) -> Table {
    let headings = ["POLICY", "PRINCIPAL", "ACTIONS", "TENANT", "PROVIDER", "MAX SCOPES", "RATE", "ORIGIN"];
    let mut table = Table::headed(headings);
    for policy in policies {
        table.row([
            policy.policy_id.as_str().into(),
            policy.principal.as_str().into(),
            actions(policy).into(),
            policy.tenant_id.as_str().into(),
            policy.provider.as_str().into(),
            max_scopes(policy).into(),
            rate(policy).into(),
            origin(policy).into(),
        ]);
    }
    table
}

/// Everything about one policy.
pub(crate) fn details(policy: &AccessPolicy, now: &Timestamp) -> Table {
    let mut table = Table::default();
    facts(&mut table, policy, now);
    table
}

/// The answer to a question, with the policy that gives it.
pub(crate) fn explained(answer: &ExplainAccessResponse, now: &Timestamp) -> Table {
    let mut table = Table::default();
    let verdict = if answer.allowed { ("yes", Tone::Good) } else { ("no", Tone::Bad) };
    table.fact("allowed", Cell::toned(verdict.0, verdict.1));
    match &answer.policy {
        Some(policy) => facts(&mut table, policy, now),
        None => table.fact("by", "no policy"),
    }
    table
}

/// That a policy is gone.
pub(crate) fn deleted(policy_id: &str) -> Table {
    let mut table = Table::default();
    table.fact("deleted", policy_id);
    table
}

fn facts(table: &mut Table, policy: &AccessPolicy, now: &Timestamp) {
    table.fact("policy", &policy.policy_id);
    table.fact("principal", &policy.principal);
    table.fact("actions", actions(policy));
    table.fact("tenant", &policy.tenant_id);
    table.fact("provider", &policy.provider);
    table.fact("max scopes", max_scopes(policy));
    table.fact("rate", rate(policy));
    table.fact("description", &policy.description);
    table.fact("origin", origin(policy));
    table.fact("created", when(policy.create_time.as_ref(), now));
}

fn actions(policy: &AccessPolicy) -> String {
    let names: Vec<_> =
        policy.actions().map(|action| short(action.as_str_name(), "ACCESS_ACTION_")).collect();
    names.join(" ")
}

fn max_scopes(policy: &AccessPolicy) -> String {
    if policy.max_scopes.is_empty() { "any".to_owned() } else { policy.max_scopes.join(" ") }
}

fn rate(policy: &AccessPolicy) -> String {
    policy.requests_per_second.map_or("any".to_owned(), |rate| format!("{rate}/s"))
}

fn origin(policy: &AccessPolicy) -> &'static str {
    if policy.configured { "configuration" } else { "created" }
}
