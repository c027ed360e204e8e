//! `[ext_authz]`: tokens for requests that Envoy forwards.

use std::collections::BTreeSet;

use axum::http::HeaderName;
use broker_core::PrincipalPattern;
use serde::Deserialize;

/// `[ext_authz]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExtAuthzConfig {
    /// Whether Envoy is answered at all.
    pub enabled: bool,
    /// The header that names the tenant.
    pub tenant_header: String,
    /// The header that names the provider.
    pub provider_header: String,
    /// The header that names the user.
    pub user_header: String,
    /// The header that names the account.
    pub account_header: String,
    /// The header that tells the upstream where the provider's API is.
    pub api_base_url_header: Option<String>,
    /// Callers who may say for whom they ask.
    pub trust_source_principal_from: Vec<String>,
}

impl Default for ExtAuthzConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            tenant_header: "x-tokenbroker-tenant".to_owned(),
            provider_header: "x-tokenbroker-provider".to_owned(),
            user_header: "x-tokenbroker-user".to_owned(),
            account_header: "x-tokenbroker-account".to_owned(),
            api_base_url_header: None,
            trust_source_principal_from: Vec::new(),
        }
    }
}

impl ExtAuthzConfig {
    /// The headers that name a grant.
    pub(crate) fn naming(&self) -> [&str; 4] {
        [&self.tenant_header, &self.provider_header, &self.user_header, &self.account_header]
    }

    /// The callers who may say for whom they ask.
    pub(crate) fn trusted(&self) -> Result<Vec<PrincipalPattern>, String> {
        let pattern = |text: &String| {
            PrincipalPattern::new(text.as_str())
                .map_err(|problem| format!("[ext_authz] trust_source_principal_from: {text:?} {problem}"))
        };
        self.trust_source_principal_from.iter().map(pattern).collect()
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.trusted().err().into_iter().collect();
        let mut seen = BTreeSet::new();
        for name in self.naming().into_iter().chain(self.api_base_url_header.as_deref()) {
            if !is_own_header(name) {
                problems.push(format!(
                    "[ext_authz] {name:?} cannot be used; write a header's name in lower case, not that of `authorization` or `host`"
                ));
            }
            if !seen.insert(name) {
                problems.push(format!("[ext_authz] the header {name:?} is named twice"));
            }
        }
        problems
    }
}

/// Envoy has every name in lower case; these two are not ours to read.
fn is_own_header(name: &str) -> bool {
    let read = HeaderName::from_bytes(name.as_bytes());
    read.is_ok_and(|read| read.as_str() == name) && !["authorization", "host"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(toml: &str) -> usize {
        toml::from_str::<ExtAuthzConfig>(toml).unwrap().problems().len()
    }

    #[test]
    fn headers_are_names_in_lower_case_and_each_is_another() {
        for (toml, expected) in [
            ("", 0),
            ("api_base_url_header = \"x-base\"", 0),
            ("tenant_header = \"X-Tenant\"", 1),
            ("tenant_header = \"\"", 1),
            ("tenant_header = \":authority\"", 1),
            ("user_header = \"authorization\"", 1),
            ("user_header = \"x-tokenbroker-tenant\"", 1),
            ("api_base_url_header = \"x-tokenbroker-user\"", 1),
        ] {
            assert_eq!(problems(toml), expected, "{toml}");
        }
    }

    #[test]
    fn callers_to_trust_are_patterns() {
        assert_eq!(problems("trust_source_principal_from = [\"spiffe://prod.example/envoy/*\"]"), 0);
        assert_eq!(problems("trust_source_principal_from = [\"a*b\"]"), 1);
    }
}
