//! Whether a definition makes sense, checked before anything is sent anywhere.

use std::time::Duration;

use broker_core::RotationMode;
use url::{Host, Url};

use crate::ProviderDefinition;

/// What is wrong with a definition, and under which key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct DefinitionProblem {
    /// The key, as in `[providers.NAME]`.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl ProviderDefinition {
    /// All that is wrong with it.
    pub fn validate(&self) -> Result<(), Vec<DefinitionProblem>> {
        let mut problems = Vec::new();
        self.check_urls(&mut problems);
        self.check_client_settings(&mut problems);
        self.check_api_hosts(&mut problems);
        self.check_spans(&mut problems);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn check_urls(&self, problems: &mut Vec<DefinitionProblem>) {
        let endpoints = &self.endpoints;
        let called = [
            ("token_url", Some(&endpoints.token_url)),
            ("device_authorization_url", endpoints.device_authorization_url.as_ref()),
            ("revoke_url", endpoints.revoke_url.as_ref()),
            ("introspect_url", endpoints.introspect_url.as_ref()),
            ("derived_token_url", endpoints.derived_token_url.as_ref()),
            ("base_url", endpoints.base_url.as_ref()),
            ("client_settings_url", endpoints.client_settings_url.as_ref()),
        ];
        for (key, text) in called {
            report(problems, key, text.map(|text| called_url(text)));
        }
        report(problems, "authorize_url", Some(plain_url(&endpoints.authorize_url)));
    }

    fn check_client_settings(&self, problems: &mut Vec<DefinitionProblem>) {
        if self.endpoints.client_settings_url.is_some() && self.wire.base_url_member.is_none() {
            let problem = "goes with an adapter whose provider names a base URL (eagle-eye)".to_owned();
            problems.push(DefinitionProblem { key: "client_settings_url", problem });
        }
    }

    fn check_api_hosts(&self, problems: &mut Vec<DefinitionProblem>) {
        for pattern in self.endpoints.api_hosts.iter().filter(|pattern| !is_host_pattern(pattern)) {
            let problem = format!("`{pattern}` is not a host; write `api.example.com` or `*.example.com`");
            problems.push(DefinitionProblem { key: "api_hosts", problem });
        }
    }

    fn check_spans(&self, problems: &mut Vec<DefinitionProblem>) {
        let profile = &self.profile;
        let grace = match profile.rotation {
            RotationMode::Grace(span) => Some(span),
            RotationMode::Reusable | RotationMode::SingleUse(_) => None,
        };
        let spans = [
            ("rotation", grace),
            ("access_token_lifetime", Some(profile.access_token_lifetime)),
            ("refresh_token_timeout", profile.refresh_token_timeout),
            ("authorization_expires_in", profile.authorization_expires_in),
        ];
        for (key, _) in spans.into_iter().filter(|(_, span)| *span == Some(Duration::ZERO)) {
            problems.push(DefinitionProblem { key, problem: "must be longer than zero".to_owned() });
        }
    }
}

fn report(problems: &mut Vec<DefinitionProblem>, key: &'static str, checked: Option<Result<Url, String>>) {
    if let Some(Err(problem)) = checked {
        problems.push(DefinitionProblem { key, problem });
    }
}

/// A URL that secrets are sent to or that a path is appended to.
///
/// It has no query: Spring Authorization Server drops form parameters whose name occurs in the query.
pub(crate) fn called_url(text: &str) -> Result<Url, String> {
    let url = plain_url(text)?;
    match url.query() {
        None => Ok(url),
        Some(_) => Err("the URL must not have a query (`?...`)".to_owned()),
    }
}

/// A URL on https, or on this machine (RFC 6749 §3.1, §3.2: no fragment).
pub(crate) fn plain_url(text: &str) -> Result<Url, String> {
    if text.is_empty() {
        return Err("missing; give the provider's URL".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    broker_egress::screen(&url).map_err(|refused| refused.to_string())?;
    match url.fragment() {
        None => Ok(url),
        Some(_) => Err("the URL must not have a fragment (`#...`)".to_owned()),
    }
}

fn is_host_pattern(pattern: &str) -> bool {
    match pattern.strip_prefix("*.") {
        // At least two labels: nobody means to trust a whole top-level domain.
        Some(parent) => matches!(Host::parse(parent), Ok(Host::Domain(_)) if parent.contains('.')),
        None => !pattern.contains('*') && Host::parse(pattern).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Overrides;

    fn keys(definition: &ProviderDefinition) -> Vec<&'static str> {
        definition.validate().err().unwrap_or_default().iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn the_known_providers_are_sound() {
        assert_eq!(keys(&ProviderDefinition::evercam()), [""; 0]);
        assert_eq!(keys(&ProviderDefinition::eagle_eye()), [""; 0]);
        assert_eq!(keys(&ProviderDefinition::oauth2()), ["token_url", "authorize_url"], "not yet configured");
    }

    #[test]
    fn token_urls_are_checked() {
        let cases = [
            ("http://127.0.0.1:8080/token", true),
            ("https://auth.example.com/token", true),
            ("http://auth.example.com/token", false),
            ("https://auth.example.com/token?code", false),
            ("https://auth.example.com/token#x", false),
            ("https://id:secret@auth.example.com/token", false),
            ("auth.example.com", false),
            ("", false),
        ];
        for (url, sound) in cases {
            let changes = Overrides { token_url: Some(url.to_owned()), ..Overrides::default() };
            // What stands beside it may be wrong for the same reason.
            let found = keys(&ProviderDefinition::evercam().overridden(changes)).first().copied();
            assert_eq!(found, (!sound).then_some("token_url"), "{url}");
        }
    }

    #[test]
    fn client_settings_are_asked_for_only_where_an_answer_can_be_read() {
        let url = Some("https://api.example.com/settings".to_owned());
        let changes = || Overrides { client_settings_url: url.clone(), ..Overrides::default() };
        assert_eq!(keys(&ProviderDefinition::eagle_eye().overridden(changes())), [""; 0]);
        assert_eq!(keys(&ProviderDefinition::evercam().overridden(changes())), ["client_settings_url"]);
    }

    #[test]
    fn an_authorize_url_may_have_a_query() {
        let url = Some("https://auth.example.com/authorize?tenant=1".to_owned());
        let changes = Overrides { authorize_url: url, ..Overrides::default() };
        assert_eq!(keys(&ProviderDefinition::evercam().overridden(changes)), [""; 0]);
    }

    #[test]
    fn api_hosts_are_hosts() {
        let cases = [
            ("api.example.com", true),
            ("*.example.com", true),
            ("127.0.0.1", true),
            ("*", false),
            ("*.com", false),
            ("*.1.2.3.4", false),
            ("a.*.com", false),
            ("https://api.example.com", false),
            ("api.example.com:443", false),
            ("", false),
        ];
        for (host, sound) in cases {
            assert_eq!(is_host_pattern(host), sound, "{host}");
        }
    }

    #[test]
    fn spans_are_not_zero() {
        let changes = Overrides {
            rotation: Some(RotationMode::Grace(Duration::ZERO)),
            access_token_lifetime: Some(Duration::ZERO),
            ..Overrides::default()
        };
        let definition = ProviderDefinition::evercam().overridden(changes);
        assert_eq!(keys(&definition), ["rotation", "access_token_lifetime"]);
    }
}
