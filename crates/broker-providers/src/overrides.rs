//! What a configuration may change of a provider's definition.

use std::time::Duration;

use broker_core::{RevocationReach, RevokedTokens, RotationMode};

use crate::{BodyFormat, ClientAuthentication, ProviderDefinition};

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
        set(&mut endpoints.authorize_url, changes.authorize_url);
        set(&mut endpoints.token_url, changes.token_url);
        set_some(&mut endpoints.device_authorization_url, changes.device_authorization_url);
        set_some(&mut endpoints.revoke_url, changes.revoke_url);
        set_some(&mut endpoints.introspect_url, changes.introspect_url);
        set_some(&mut endpoints.base_url, changes.base_url);
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
        assert_eq!(changed.profile.authorization_expires_in, None, "a permanent grant can be configured");

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
}
