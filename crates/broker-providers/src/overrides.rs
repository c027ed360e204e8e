//! What a configuration may change of a provider's definition.

use std::time::Duration;

use broker_core::{
    ApiKeyHeaders, CallbackIssuer, ConsentReplaces, RevocationReach, RevokedTokens, RotationMode,
};
use url::{Origin, Url};

use crate::{BodyFormat, ClientAuthentication, Endpoints, ProviderDefinition};

/// What a configuration may change; `None` keeps what the adapter says.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each is the field of the same name of the definition")]
pub struct Overrides {
    pub authorize_url: Option<String>,
    pub token_url: Option<String>,
    pub device_authorization_url: Option<String>,
    pub revoke_url: Option<String>,
    pub introspect_url: Option<String>,
    pub base_url: Option<String>,
    pub client_settings_url: Option<String>,
    pub api_hosts: Option<Vec<String>>,
    pub client_authentication: Option<ClientAuthentication>,
    pub body_format: Option<BodyFormat>,
    pub send_scope: Option<bool>,
    pub scope_separator: Option<char>,
    pub default_scopes: Option<Vec<String>>,
    pub rotation: Option<RotationMode>,
    pub old_access_token_dies_on_refresh: Option<bool>,
    pub access_token_lifetime: Option<Duration>,
    pub grant_window: Option<GrantWindow>,
    pub revocation: Option<RevokedTokens>,
    pub revocation_reaches: Option<RevocationReach>,
    pub consent_replaces: Option<ConsentReplaces>,
    pub issuer: Option<String>,
    pub issuer_always_named: Option<bool>,
    pub api_key_headers: Option<ApiKeyHeaders>,
    pub client_credentials: Option<bool>,
    pub derived_token_url: Option<String>,
}

/// How long a grant lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantWindow {
    /// As long as nobody revokes it.
    Permanent,
    /// Each limit that is named replaces the adapter's.
    Limits {
        /// See [`broker_core::ProviderProfile::refresh_token_timeout`].
        refresh_token_timeout: Option<Duration>,
        /// See [`broker_core::ProviderProfile::authorization_expires_in`].
        authorization_expires_in: Option<Duration>,
    },
}

impl ProviderDefinition {
    /// The definition with these changes.
    #[must_use]
    pub fn overridden(mut self, changes: Overrides) -> Self {
        let endpoints = &mut self.endpoints;
        if let Some(token_url) = &changes.token_url {
            endpoints.introspect_url =
                beside(endpoints.introspect_url.take(), &endpoints.token_url, token_url);
            let device_url = endpoints.device_authorization_url.take();
            endpoints.device_authorization_url = beside(device_url, &endpoints.token_url, token_url);
            let derived_url = endpoints.derived_token_url.take();
            endpoints.derived_token_url = beside(derived_url, &endpoints.token_url, token_url);
        }
        endpoints.client_settings_url = client_settings_url(endpoints, &changes);
        set(&mut endpoints.authorize_url, changes.authorize_url);
        set(&mut endpoints.token_url, changes.token_url);
        set_some(&mut endpoints.device_authorization_url, changes.device_authorization_url);
        set_some(&mut endpoints.revoke_url, changes.revoke_url);
        set_some(&mut endpoints.introspect_url, changes.introspect_url);
        set_some(&mut endpoints.derived_token_url, changes.derived_token_url);
        set_some(&mut endpoints.base_url, changes.base_url);
        set_some(&mut endpoints.client_settings_url, changes.client_settings_url);
        set(&mut endpoints.api_hosts, changes.api_hosts);

        let wire = &mut self.wire;
        set(&mut wire.client_authentication, changes.client_authentication);
        set(&mut wire.body_format, changes.body_format);
        set(&mut wire.send_scope, changes.send_scope);
        set(&mut wire.scope_separator, changes.scope_separator);

        let profile = &mut self.profile;
        set(&mut profile.default_scopes, changes.default_scopes);
        set(&mut profile.rotation, changes.rotation);
        set(&mut profile.old_access_token_dies_on_refresh, changes.old_access_token_dies_on_refresh);
        set(&mut profile.access_token_lifetime, changes.access_token_lifetime);
        set_some(&mut profile.revocation, changes.revocation);
        set(&mut profile.revocation_reaches, changes.revocation_reaches);
        set(&mut profile.consent_replaces, changes.consent_replaces);
        let known = profile.callback_issuer.take();
        let always = changes.issuer_always_named.or(known.as_ref().map(|known| known.always_named));
        let issuer = changes.issuer.or(known.map(|known| known.issuer));
        let always_named = always.unwrap_or_default();
        profile.callback_issuer = issuer.map(|issuer| CallbackIssuer { issuer, always_named });
        set_some(&mut profile.api_key_headers, changes.api_key_headers);
        set(&mut profile.client_credentials, changes.client_credentials);
        match changes.grant_window {
            None => {}
            Some(GrantWindow::Permanent) => {
                profile.refresh_token_timeout = None;
                profile.authorization_expires_in = None;
            }
            Some(GrantWindow::Limits { refresh_token_timeout, authorization_expires_in }) => {
                set_some(&mut profile.refresh_token_timeout, refresh_token_timeout);
                set_some(&mut profile.authorization_expires_in, authorization_expires_in);
            }
        }
        self
    }
}

/// Tokens of a token endpoint somewhere else are not shown to the usual server: an endpoint that stood beside the one
/// before stands beside the one named now, unless it is named too.
fn beside(usual: Option<String>, before: &str, now: &str) -> Option<String> {
    let (usual, before, now) = (Url::parse(&usual?).ok()?, Url::parse(before).ok()?, Url::parse(now).ok()?);
    if usual.origin() != before.origin() {
        return Some(usual.into());
    }
    now.join(usual.path()).ok().map(Into::into)
}

/// The usual one stays below the prefix of API calls, wherever that is now. Tokens of another token endpoint are not
/// shown to it.
fn client_settings_url(endpoints: &Endpoints, changes: &Overrides) -> Option<String> {
    let usual = endpoints.client_settings_url.as_deref()?;
    let Some(now) = &changes.base_url else {
        let is_elsewhere = |url: &String| origin(url) != origin(&endpoints.token_url);
        return changes.token_url.as_ref().is_none_or(|url| !is_elsewhere(url)).then(|| usual.to_owned());
    };
    let path = usual.strip_prefix(endpoints.base_url.as_deref()?)?;
    Some(format!("{}{path}", now.trim_end_matches('/')))
}

fn origin(url: &str) -> Option<Origin> {
    Url::parse(url).ok().map(|url| url.origin())
}

fn set<T>(place: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *place = value;
    }
}

fn set_some<T>(place: &mut Option<T>, change: Option<T>) {
    if change.is_some() {
        *place = change;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_unless_named() {
        let plain = ProviderDefinition::eagle_eye();
        assert_eq!(plain.clone().overridden(Overrides::default()), plain);

        let changes = Overrides {
            token_url: Some("http://127.0.0.1:1/t".to_owned()),
            grant_window: Some(GrantWindow::Permanent),
            ..Overrides::default()
        };
        let changed = plain.clone().overridden(changes);
        assert_eq!(changed.endpoints.token_url, "http://127.0.0.1:1/t");
        assert_eq!(changed.endpoints.authorize_url, plain.endpoints.authorize_url);
        let introspect = changed.endpoints.introspect_url.as_deref();
        assert_eq!(introspect, Some("http://127.0.0.1:1/oauth2/introspect"), "its tokens stay there");
        assert_eq!(changed.profile.authorization_expires_in, None, "a permanent grant can be configured");

        let issuer = Overrides { issuer_always_named: Some(true), ..Overrides::default() };
        let named = plain.clone().overridden(issuer).profile.callback_issuer.unwrap();
        assert_eq!((named.issuer.as_str(), named.always_named), ("https://auth.eagleeyenetworks.com", true));

        let idle = Some(Duration::from_secs(14 * 86_400));
        let limits = GrantWindow::Limits { refresh_token_timeout: idle, authorization_expires_in: None };
        let changes = Overrides { grant_window: Some(limits), ..Overrides::default() };
        let changed = plain.clone().overridden(changes).profile;
        assert_eq!(changed.refresh_token_timeout, idle);
        assert_eq!(
            changed.authorization_expires_in, plain.profile.authorization_expires_in,
            "one limit leaves the other"
        );
    }

    #[test]
    fn client_settings_are_asked_for_where_the_api_is() {
        let usual = "https://api.eagleeyenetworks.com/api/v3.0/clientSettings";
        let sim = "http://127.0.0.1:1";
        let cases = [
            ((None, None, None), Some(usual)),
            ((Some("https://auth.eagleeyenetworks.com/t"), None, None), Some(usual)),
            ((Some("http://127.0.0.1:1/t"), None, None), None),
            (
                (Some("http://127.0.0.1:1/t"), Some(sim), None),
                Some("http://127.0.0.1:1/api/v3.0/clientSettings"),
            ),
            (
                (None, Some("http://127.0.0.1:1/een/"), None),
                Some("http://127.0.0.1:1/een/api/v3.0/clientSettings"),
            ),
            (
                (Some("http://127.0.0.1:1/t"), Some(sim), Some("http://127.0.0.1:2/c")),
                Some("http://127.0.0.1:2/c"),
            ),
        ];
        for ((token_url, base_url, client_settings_url), expected) in cases {
            let owned = |url: Option<&str>| url.map(ToOwned::to_owned);
            let changes = Overrides {
                token_url: owned(token_url),
                base_url: owned(base_url),
                client_settings_url: owned(client_settings_url),
                ..Overrides::default()
            };
            let changed = ProviderDefinition::eagle_eye().overridden(changes);
            assert_eq!(
                changed.endpoints.client_settings_url.as_deref(),
                expected,
                "{token_url:?} {base_url:?}"
            );
        }
    }
}
