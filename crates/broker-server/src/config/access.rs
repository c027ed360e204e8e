//! `[access]`: what callers may do.

use broker_core::{
    AccessAction, AccessPolicy, AccessRule, AccessSettings, ActionSet, Enforcement, PrincipalPattern,
    ProviderName, Reach, RequestRate, ScopeLimit, TenantId, TenantQuotas,
};
use serde::Deserialize;

use super::{AuthMode, Config, QuotaConfig};

/// `[access]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// What to do about what no policy allows. Where nothing is said it is refused; but where callers are not checked
    /// (`[auth] mode = "dev"`) everybody may do everything.
    pub mode: Option<AccessMode>,
    /// How often each tenant is served by this replica, all callers together.
    pub tenant_requests_per_second: Option<f64>,
    /// How many grants of each tenant may live.
    pub tenant_max_grants: u32,
    /// How many client registrations each tenant may have.
    pub tenant_max_client_registrations: u32,
    /// How many authorizations the users of each tenant may have to complete.
    pub tenant_max_pending_authorizations: u32,
    /// How many access policies there may be about each tenant, those here not counted.
    pub tenant_max_access_policies: u32,
    /// How many webhooks each tenant may have.
    pub tenant_max_webhooks: u32,
    /// Tenants with limits of their own.
    pub quota: Vec<QuotaConfig>,
    /// Policies that are always in force.
    pub policy: Vec<PolicyConfig>,
}

impl Default for AccessConfig {
    fn default() -> Self {
        let quotas = TenantQuotas::default();
        Self {
            mode: None,
            tenant_requests_per_second: None,
            tenant_max_grants: quotas.grants.get(),
            tenant_max_client_registrations: quotas.client_registrations.get(),
            tenant_max_pending_authorizations: quotas.pending_authorizations.get(),
            tenant_max_access_policies: quotas.access_policies.get(),
            tenant_max_webhooks: quotas.webhooks.get(),
            quota: Vec::new(),
            policy: Vec::new(),
        }
    }
}

/// What to do about what no policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessMode {
    /// Refuse it.
    Enforce,
    /// Log it and let it pass.
    Shadow,
}

/// `[[access.policy]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// Who: a name, or what names begin with.
    pub principal: String,
    /// What.
    pub actions: Vec<ActionName>,
    /// Whose: a tenant, or `*`.
    pub tenant: String,
    /// Where: a provider, or `*`.
    pub provider: String,
    /// With which scopes at most; none means any.
    #[serde(default)]
    pub max_scopes: Vec<String>,
    /// How often, for each tenant and replica.
    pub requests_per_second: Option<f64>,
    /// Why it exists.
    #[serde(default)]
    pub description: String,
}

/// An action as it is written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionName {
    /// Get tokens.
    Vend,
    /// Obtain, import and revoke grants.
    Consent,
    /// Read what holds no secret.
    Observe,
    /// Change how grants are kept.
    Operate,
    /// Change tenants, client registrations, access policies, keys and webhooks.
    Administer,
}

impl Config {
    /// What callers may do; else every problem, with its key.
    pub fn access_settings(&self) -> Result<AccessSettings, Vec<String>> {
        let mut problems = Vec::new();
        let rate = self.access.tenant_requests_per_second.map(RequestRate::new).transpose();
        let tenant_rate = rate.unwrap_or_else(|problem| {
            problems.push(format!("[access] tenant_requests_per_second {problem}"));
            None
        });
        let mut configured: Vec<AccessPolicy> = Vec::new();
        for (number, policy) in (1..).zip(&self.access.policy) {
            match policy.read() {
                Ok(read) if configured.iter().any(|other| other.id == read.id) => {
                    problems.push(format!("[[access.policy]] number {number} is one of those before it"));
                }
                Ok(read) => configured.push(read),
                Err(problem) => problems.push(format!("[[access.policy]] number {number}: {problem}")),
            }
        }
        if self.auth.mode == AuthMode::Dev && self.access.mode.is_none() {
            configured.push(everything());
        }
        let enforcement = match self.access.mode {
            Some(AccessMode::Shadow) => Enforcement::Shadow,
            Some(AccessMode::Enforce) | None => Enforcement::Enforce,
        };
        if problems.is_empty() {
            Ok(AccessSettings { configured, enforcement, tenant_rate })
        } else {
            Err(problems)
        }
    }
}

/// The policy where callers are not checked, and nothing else was said.
fn everything() -> AccessPolicy {
    let why = "[auth] mode = \"dev\" without an [access] mode: everybody may do everything";
    AccessPolicy::configured(AccessRule::everything(), why.to_owned())
}

impl PolicyConfig {
    fn read(&self) -> Result<AccessPolicy, String> {
        let named = |key: &'static str| move |problem: broker_core::InvalidName| format!("{key} {problem}");
        let actions = ActionSet::new(self.actions.iter().map(|name| (*name).into()));
        let rate = self.requests_per_second.map(RequestRate::new).transpose();
        let rule = AccessRule {
            principal: PrincipalPattern::new(self.principal.as_str()).map_err(named("principal"))?,
            actions: actions.ok_or("actions must name one at least")?,
            tenant: Reach::new(self.tenant.as_str(), TenantId::new).map_err(named("tenant"))?,
            provider: Reach::new(self.provider.as_str(), ProviderName::new).map_err(named("provider"))?,
            max_scopes: ScopeLimit::new(self.max_scopes.clone())
                .map_err(|violation| format!("{} {}", violation.field, violation.problem))?,
            rate: rate.map_err(|problem| format!("requests_per_second {problem}"))?,
        };
        Ok(AccessPolicy::configured(rule, self.description.clone()))
    }
}

impl From<ActionName> for AccessAction {
    fn from(name: ActionName) -> Self {
        match name {
            ActionName::Vend => Self::Vend,
            ActionName::Consent => Self::Consent,
            ActionName::Observe => Self::Observe,
            ActionName::Operate => Self::Operate,
            ActionName::Administer => Self::Administer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "[[access.policy]]\nprincipal = \"spiffe://acme.example/*\"\n\
                          actions = [\"vend\", \"observe\"]\ntenant = \"acme\"\nprovider = \"*\"\n";

    fn config(toml: &str) -> Config {
        toml::from_str(toml).unwrap()
    }

    fn settings(toml: &str) -> Result<AccessSettings, Vec<String>> {
        config(toml).access_settings()
    }

    #[test]
    fn a_policy_is_read_whole() {
        let more = "max_scopes = [\"live\"]\nrequests_per_second = 2.5\ndescription = \"export\"\n";
        let settings = settings(&format!("[access]\nmode = \"enforce\"\n{POLICY}{more}")).unwrap();
        let [policy] = settings.configured.as_slice() else { panic!("{settings:?}") };
        let rule = &policy.rule;
        assert_eq!(
            (rule.principal.as_str(), rule.actions.to_string()),
            ("spiffe://acme.example/*", "vend observe".into())
        );
        assert_eq!((rule.tenant.to_string(), rule.provider.to_string()), ("acme".into(), "*".into()));
        assert_eq!(rule.max_scopes.as_slice(), ["live"]);
        assert_eq!(rule.rate.map(RequestRate::per_second), Some(2.5));
        assert_eq!(policy.description, "export");
    }

    #[test]
    fn everybody_may_do_everything_only_where_callers_are_not_checked_and_nothing_is_said() {
        for (toml, policies) in
            [("", 1), ("[access]\nmode = \"enforce\"", 0), ("[access]\nmode = \"shadow\"", 0)]
        {
            assert_eq!(settings(toml).unwrap().configured.len(), policies, "{toml}");
        }
        assert_eq!(settings(POLICY).unwrap().configured.len(), 2);
        assert_eq!(settings("").unwrap().configured[0].rule, AccessRule::everything());
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let [pattern, none, scope] = [
            POLICY.replace("example/*", "example*"),
            POLICY.replace("\"vend\", \"observe\"", ""),
            format!("{POLICY}max_scopes = [\"a\", \"b c\"]\n"),
        ];
        let rate = format!("{POLICY}requests_per_second = 0\n");
        let problems = settings(&format!(
            "[access]\ntenant_requests_per_second = -1\n{POLICY}{pattern}{none}{scope}{rate}{POLICY}"
        ))
        .unwrap_err();
        let begins = [
            "[access] tenant_requests_per_second must be",
            "[[access.policy]] number 2: principal may carry a `*` only",
            "[[access.policy]] number 3: actions must name one",
            "[[access.policy]] number 4: max_scopes[1] must be",
            "[[access.policy]] number 5: requests_per_second must be",
            "[[access.policy]] number 6 is one of those before",
        ];
        assert_eq!(problems.len(), begins.len(), "{problems:?}");
        for (problem, begin) in problems.iter().zip(begins) {
            assert!(problem.starts_with(begin), "{problem}");
        }
    }

    #[test]
    fn an_action_that_is_none_and_a_key_that_is_missing_are_refused() {
        for (from, to) in [("observe", "fly"), ("tenant = \"acme\"\n", ""), ("tenant =", "tenants =")] {
            assert!(toml::from_str::<Config>(&POLICY.replace(from, to)).is_err(), "{to}");
        }
    }
}
