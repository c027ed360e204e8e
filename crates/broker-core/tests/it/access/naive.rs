//! The same decision, written a second time: plain text, no index, no type of the broker's but the errors it must agree
//! with.

/// A policy as it is told to people.
#[derive(Debug, Clone)]
pub(super) struct NaivePolicy {
    pub(super) principal: String,
    pub(super) actions: Vec<&'static str>,
    pub(super) tenant: &'static str,
    pub(super) provider: &'static str,
    pub(super) max_scopes: Vec<&'static str>,
}

/// A call as it is told to people.
#[derive(Debug, Clone)]
pub(super) struct NaiveCall {
    pub(super) principal: String,
    pub(super) action: &'static str,
    /// `*` asks for all, nothing for any one.
    pub(super) tenant: &'static str,
    pub(super) provider: &'static str,
    pub(super) scopes: Option<Vec<&'static str>>,
}

pub(super) fn is_allowed(policies: &[NaivePolicy], call: &NaiveCall) -> bool {
    for policy in policies {
        let who = policy.principal == call.principal
            || policy.principal.ends_with('*')
                && call.principal.starts_with(&policy.principal[..policy.principal.len() - 1]);
        let what = policy.actions.contains(&call.action);
        let whose = policy.tenant == "*" || call.tenant.is_empty() || policy.tenant == call.tenant;
        let at = policy.provider == "*" || call.provider.is_empty() || policy.provider == call.provider;
        let mut within = true;
        if let Some(scopes) = &call.scopes
            && !policy.max_scopes.is_empty()
        {
            within = !scopes.is_empty();
            for scope in scopes {
                within = within && policy.max_scopes.contains(scope);
            }
        }
        if who && what && whose && at && within {
            return true;
        }
    }
    false
}
