//! Access policies as messages of the contract, and requests about them as values of the domain.

use broker_core::{
    AccessAction, AccessPolicy, AccessRule, ActionSet, BrokerError, NewAccessPolicy, PolicyFilter, PolicyId,
    PolicyOrigin, Principal, PrincipalPattern, ProviderName, Reach, RequestRate, ScopeLimit, TenantId,
    UserId,
};
use broker_proto::v1;

use super::message::timestamp;
use super::request::Fields;

/// Longest description, in bytes.
const DESCRIPTION: usize = 256;

/// What `ExplainAccess` asks about.
pub(super) struct Question {
    pub(super) principal: Principal,
    pub(super) action: AccessAction,
    pub(super) tenant: Reach<TenantId>,
    pub(super) provider: Reach<ProviderName>,
    pub(super) scopes: Option<Vec<String>>,
}

pub(super) fn policy(policy: &AccessPolicy) -> v1::AccessPolicy {
    let rule = &policy.rule;
    let create_time = match policy.origin {
        PolicyOrigin::Configured => None,
        PolicyOrigin::Created(at) => Some(timestamp(at)),
    };
    v1::AccessPolicy {
        policy_id: policy.id.to_string(),
        principal: rule.principal.to_string(),
        actions: rule.actions.iter().map(|action| written(action).into()).collect(),
        tenant_id: rule.tenant.to_string(),
        provider: rule.provider.to_string(),
        description: policy.description.clone(),
        create_time,
        max_scopes: rule.max_scopes.as_slice().to_vec(),
        requests_per_second: rule.rate.map(RequestRate::per_second),
        configured: policy.origin == PolicyOrigin::Configured,
    }
}

pub(super) fn new_policy(message: v1::CreateAccessPolicyRequest) -> Result<NewAccessPolicy, BrokerError> {
    let mut fields = Fields::default();
    let rule = rule(&mut fields, &message);
    fields.at_most("description", &message.description, DESCRIPTION);
    if message.description.chars().any(char::is_control) {
        fields.violation("description", "must not carry control characters");
    }
    let request = fields.request_id(&message.request_id);
    let new = rule.map(|rule| NewAccessPolicy { rule, description: message.description, request });
    fields.finish(new)
}

fn rule(fields: &mut Fields, message: &v1::CreateAccessPolicyRequest) -> Option<AccessRule> {
    let principal = fields.name("principal", &message.principal, PrincipalPattern::new);
    let actions = actions(fields, message);
    let tenant = fields.name("tenant_id", &message.tenant_id, |text| Reach::new(text, TenantId::new));
    let provider = fields.name("provider", &message.provider, |text| Reach::new(text, ProviderName::new));
    fields.scopes("max_scopes", &message.max_scopes);
    let max_scopes = ScopeLimit::new(message.max_scopes.clone())
        .map_err(|violation| fields.violation(&violation.field, violation.problem))
        .ok();
    let rate = message
        .requests_per_second
        .map(RequestRate::new)
        .transpose()
        .map_err(|problem| fields.violation("requests_per_second", problem.to_string()))
        .ok();
    Some(AccessRule {
        principal: principal?,
        actions: actions?,
        tenant: tenant?,
        provider: provider?,
        max_scopes: max_scopes?,
        rate: rate?,
    })
}

fn actions(fields: &mut Fields, message: &v1::CreateAccessPolicyRequest) -> Option<ActionSet> {
    let known: Option<Vec<_>> = message
        .actions
        .iter()
        .map(|number| v1::AccessAction::try_from(*number).ok().and_then(read))
        .collect();
    let actions = known.and_then(ActionSet::new);
    if actions.is_none_or(|actions| actions.iter().count() != message.actions.len()) {
        fields.violation("actions", "must name one action or several of the contract, each once");
    }
    actions
}

pub(super) fn filter(message: &v1::ListAccessPoliciesRequest) -> Result<PolicyFilter, BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.name("tenant_id", &message.tenant_id, |text| Reach::new(text, TenantId::new));
    let principal = fields.optional_name("principal", &message.principal, PrincipalPattern::new);
    let limit = fields.page_size(message.page_size) as usize;
    let after = match message.page_token.as_str() {
        "" => None,
        token => PolicyId::parse(token).or_else(|| {
            fields.violation("page_token", "is not a page token of this list; leave it empty to begin anew");
            None
        }),
    };
    let principal = principal.map(|pattern| pattern.to_string());
    fields.finish(tenant.map(|tenant| PolicyFilter { tenant, principal, after, limit }))
}

pub(super) fn question(message: v1::ExplainAccessRequest) -> Result<Question, BrokerError> {
    let mut fields = Fields::default();
    let principal = Principal::new(&message.principal);
    if principal.is_none() {
        fields.violation(
            "principal",
            "must be the name of a caller: 1 to 512 bytes without control characters",
        );
    }
    let action = read(message.action());
    if action.is_none() {
        fields.violation("action", "must be an action of the contract");
    }
    let key = message.key.unwrap_or_default();
    let tenant = fields.name("key.tenant_id", &key.tenant_id, |text| Reach::new(text, TenantId::new));
    let provider = fields.name("key.provider", &key.provider, |text| Reach::new(text, ProviderName::new));
    fields.optional_name("key.user_id", &key.user_id, UserId::new);
    fields.scopes("scopes", &message.scopes);
    let scopes = Some(message.scopes).filter(|scopes| !scopes.is_empty());
    let who = principal.zip(action).zip(tenant.zip(provider));
    let question = who.map(|((principal, action), (tenant, provider))| Question {
        principal,
        action,
        tenant,
        provider,
        scopes,
    });
    fields.finish(question)
}

fn written(action: AccessAction) -> v1::AccessAction {
    match action {
        AccessAction::Vend => v1::AccessAction::Vend,
        AccessAction::Consent => v1::AccessAction::Consent,
        AccessAction::Observe => v1::AccessAction::Observe,
        AccessAction::Operate => v1::AccessAction::Operate,
        AccessAction::Administer => v1::AccessAction::Administer,
    }
}

fn read(action: v1::AccessAction) -> Option<AccessAction> {
    match action {
        v1::AccessAction::Unspecified => None,
        v1::AccessAction::Vend => Some(AccessAction::Vend),
        v1::AccessAction::Consent => Some(AccessAction::Consent),
        v1::AccessAction::Observe => Some(AccessAction::Observe),
        v1::AccessAction::Operate => Some(AccessAction::Operate),
        v1::AccessAction::Administer => Some(AccessAction::Administer),
    }
}

#[cfg(test)]
#[path = "policy_message_tests.rs"]
mod tests;
