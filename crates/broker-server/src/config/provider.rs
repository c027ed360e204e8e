//! `[providers.NAME]`: an adapter, and what differs from it.

use std::collections::BTreeMap;
use std::time::Duration;

use broker_core::{ProviderName, ReusePolicy, RotationMode};
use broker_providers::{BodyFormat, ClientAuthentication, GrantWindow, Overrides, ProviderDefinition};
use serde::Deserialize;

/// One authorization server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described where users read it: in default.toml")]
pub struct ProviderConfig {
    pub adapter: Adapter,
    pub authorize_url: Option<String>,
    pub token_url: Option<String>,
    pub device_authorization_url: Option<String>,
    pub revoke_url: Option<String>,
    pub introspect_url: Option<String>,
    pub base_url: Option<String>,
    pub api_hosts: Option<Vec<String>>,
    pub client_authentication: Option<Authentication>,
    pub body_format: Option<Body>,
    pub send_scope: Option<bool>,
    pub default_scopes: Option<Vec<String>>,
    pub rotation: Option<Rotation>,
    pub reuse: Option<Reuse>,
    #[serde(default, with = "humantime_serde")]
    pub grace: Option<Duration>,
    pub old_access_token_dies_on_refresh: Option<bool>,
    #[serde(default, with = "humantime_serde")]
    pub access_token_lifetime: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    pub refresh_token_timeout: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    pub authorization_expires_in: Option<Duration>,
    pub permanent: Option<bool>,
}

macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[expect(missing_docs, reason = "the keywords say it")]
        pub enum $name { $(#[serde(rename = $text)] $variant),* }
    };
}

keywords!(
    /// What the definition starts from.
    Adapter { Evercam = "evercam", EagleEye = "eagle-eye", OAuth2 = "oauth2" }
);
keywords!(
    /// Where the client's secret is put.
    Authentication { Basic = "basic", Post = "post" }
);
keywords!(
    /// How token requests are written.
    Body { Form = "form", Json = "json" }
);
keywords!(
    /// What happens to a refresh token at use.
    Rotation { SingleUse = "single-use", Grace = "grace", Reusable = "reusable" }
);
keywords!(
    /// What the provider does when a used refresh token is presented again.
    Reuse { Reject = "reject", RevokeFamily = "revoke-family", Unknown = "unknown" }
);

impl ProviderConfig {
    /// The two providers every configuration has unless it replaces them.
    pub(super) fn built_in() -> BTreeMap<String, Self> {
        let evercam = ("evercam".to_owned(), Self::of(Adapter::Evercam));
        BTreeMap::from([evercam, ("eagle-eye".to_owned(), Self::of(Adapter::EagleEye))])
    }

    /// An adapter as it is.
    pub fn of(adapter: Adapter) -> Self {
        Self {
            adapter,
            authorize_url: None,
            token_url: None,
            device_authorization_url: None,
            revoke_url: None,
            introspect_url: None,
            base_url: None,
            api_hosts: None,
            client_authentication: None,
            body_format: None,
            send_scope: None,
            default_scopes: None,
            rotation: None,
            reuse: None,
            grace: None,
            old_access_token_dies_on_refresh: None,
            access_token_lifetime: None,
            refresh_token_timeout: None,
            authorization_expires_in: None,
            permanent: None,
        }
    }

    /// The whole definition.
    pub fn definition(&self) -> ProviderDefinition {
        let adapter = match self.adapter {
            Adapter::Evercam => ProviderDefinition::evercam(),
            Adapter::EagleEye => ProviderDefinition::eagle_eye(),
            Adapter::OAuth2 => ProviderDefinition::oauth2(),
        };
        adapter.overridden(self.overrides())
    }

    /// Every problem, with its key.
    pub(super) fn problems(&self, name: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(problem) = ProviderName::new(name) {
            problems.push(format!("[providers.{name}] the name {problem}"));
        }
        if self.grace.is_some() != (self.rotation == Some(Rotation::Grace)) {
            problems
                .push(format!("[providers.{name}] grace goes with rotation = \"grace\", and only with it"));
        }
        if self.reuse.is_some() && self.rotation != Some(Rotation::SingleUse) {
            problems.push(format!("[providers.{name}] reuse goes with rotation = \"single-use\" only"));
        }
        if self.permanent == Some(true) && self.window().is_some() {
            problems.push(format!("[providers.{name}] a permanent grant has no other window"));
        }
        let definition = self.definition().validate().err().unwrap_or_default();
        problems.extend(definition.iter().map(|problem| format!("[providers.{name}] {problem}")));
        problems
    }

    fn overrides(&self) -> Overrides {
        Overrides {
            authorize_url: self.authorize_url.clone(),
            token_url: self.token_url.clone(),
            device_authorization_url: self.device_authorization_url.clone(),
            revoke_url: self.revoke_url.clone(),
            introspect_url: self.introspect_url.clone(),
            base_url: self.base_url.clone(),
            api_hosts: self.api_hosts.clone(),
            client_authentication: self.client_authentication.map(|place| match place {
                Authentication::Basic => ClientAuthentication::Basic,
                Authentication::Post => ClientAuthentication::Post,
            }),
            body_format: self.body_format.map(|format| match format {
                Body::Form => BodyFormat::Form,
                Body::Json => BodyFormat::Json,
            }),
            send_scope: self.send_scope,
            scope_separator: None,
            default_scopes: self.default_scopes.clone(),
            rotation: self.rotation_mode(),
            old_access_token_dies_on_refresh: self.old_access_token_dies_on_refresh,
            access_token_lifetime: self.access_token_lifetime,
            grant_window: self.permanent.filter(|p| *p).map(|_| GrantWindow::default()).or(self.window()),
        }
    }

    fn rotation_mode(&self) -> Option<RotationMode> {
        Some(match self.rotation? {
            Rotation::Reusable => RotationMode::Reusable,
            Rotation::Grace => RotationMode::Grace(self.grace.unwrap_or_default()),
            Rotation::SingleUse => RotationMode::SingleUse(match self.reuse {
                Some(Reuse::Reject) => ReusePolicy::Reject,
                Some(Reuse::RevokeFamily) => ReusePolicy::RevokeFamily,
                Some(Reuse::Unknown) | None => ReusePolicy::Unknown,
            }),
        })
    }

    fn window(&self) -> Option<GrantWindow> {
        let named = self.refresh_token_timeout.is_some() || self.authorization_expires_in.is_some();
        named.then_some(GrantWindow {
            refresh_token_timeout: self.refresh_token_timeout,
            authorization_expires_in: self.authorization_expires_in,
        })
    }
}
