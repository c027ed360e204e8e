//! `[providers.NAME]`: an adapter, and what differs from it.

use std::time::Duration;

use broker_core::ports::BudgetLimit;
use broker_core::{
    ApiKeyHeaders, ConsentReplaces, ProviderName, ReusePolicy, RevocationReach, RevokedTokens, RotationMode,
};
use broker_providers::{BodyFormat, ClientAuthentication, GrantWindow, Overrides, ProviderDefinition};
use serde::Deserialize;

use super::rotation::too_long;

/// One authorization server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each key is described where users read it: in default.toml")]
pub struct ProviderConfig {
    pub adapter: Option<Adapter>,
    pub enabled: Option<bool>,
    pub authorize_url: Option<String>,
    pub token_url: Option<String>,
    pub device_authorization_url: Option<String>,
    pub revoke_url: Option<String>,
    pub introspect_url: Option<String>,
    pub base_url: Option<String>,
    pub client_settings_url: Option<String>,
    pub api_hosts: Option<Vec<String>>,
    pub client_authentication: Option<Authentication>,
    pub body_format: Option<Body>,
    pub send_scope: Option<bool>,
    pub default_scopes: Option<Vec<String>>,
    pub rotation: Option<Rotation>,
    pub reuse: Option<Reuse>,
    #[serde(with = "humantime_serde")]
    pub grace: Option<Duration>,
    pub old_access_token_dies_on_refresh: Option<bool>,
    #[serde(with = "humantime_serde")]
    pub access_token_lifetime: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub refresh_token_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub authorization_expires_in: Option<Duration>,
    pub permanent: Option<bool>,
    pub revokes: Option<Revokes>,
    pub revocation_reaches: Option<Reaches>,
    pub consent_replaces: Option<Replaces>,
    pub issuer: Option<String>,
    pub issuer_always_named: Option<bool>,
    pub api_key_id_header: Option<String>,
    pub api_key_secret_header: Option<String>,
    pub client_credentials: Option<bool>,
    pub derived_token_url: Option<String>,
    pub requests_per_second: Option<f64>,
    pub burst: Option<u32>,
}

macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[expect(missing_docs, reason = "the keywords say it")]
        pub enum $name { $(#[serde(rename = $text)] $variant),* }

        impl $name {
            /// The keyword.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),*
                }
            }
        }
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

keywords!(
    /// Which tokens the revocation endpoint is shown.
    Revokes { RefreshToken = "refresh-token", Both = "both" }
);
keywords!(
    /// What the revocation of a refresh token takes with it.
    Reaches { Token = "token", Authorization = "authorization", Unknown = "unknown" }
);
keywords!(
    /// Whether a new consent ends the grant that came before it.
    Replaces { No = "no", Yes = "yes", Unknown = "unknown" }
);

impl ProviderConfig {
    /// An adapter as it is.
    pub fn of(adapter: Adapter) -> Self {
        Self { adapter: Some(adapter), ..Self::default() }
    }

    /// The whole definition. A provider without an adapter is refused before anybody asks.
    pub fn definition(&self) -> ProviderDefinition {
        let adapter = match self.adapter {
            Some(Adapter::Evercam) => ProviderDefinition::evercam(),
            Some(Adapter::EagleEye) => ProviderDefinition::eagle_eye(),
            Some(Adapter::OAuth2) | None => ProviderDefinition::oauth2(),
        };
        adapter.overridden(self.overrides())
    }

    /// How often the provider may be called by all replicas together; `None` sets no limit.
    pub(super) fn budget(&self) -> Result<Option<BudgetLimit>, String> {
        let Some(rate) = self.requests_per_second else {
            return match self.burst {
                Some(_) => Err("burst goes with requests_per_second".to_owned()),
                None => Ok(None),
            };
        };
        let burst = self.burst.unwrap_or(rate.ceil().clamp(1.0, 10_000.0) as u32);
        BudgetLimit::new(rate, burst).map(Some).map_err(|problem| format!("requests_per_second: {problem}"))
    }

    /// Every problem, with its key.
    pub(super) fn problems(&self, name: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(problem) = ProviderName::new(name) {
            problems.push(format!("[providers.{name}] the name {problem}"));
        }
        if self.adapter.is_none() {
            problems.push(format!(
                "[providers.{name}] adapter is not set; only evercam and eagle-eye have one by their name"
            ));
            return problems;
        }
        if self.grace.is_some() != (self.rotation == Some(Rotation::Grace)) {
            problems
                .push(format!("[providers.{name}] grace goes with rotation = \"grace\", and only with it"));
        }
        if self.reuse.is_some() && self.rotation.is_some_and(|rotation| rotation != Rotation::SingleUse) {
            problems.push(format!("[providers.{name}] reuse goes with rotation = \"single-use\" only"));
        }
        if self.permanent == Some(true) && self.window().is_some() {
            problems.push(format!("[providers.{name}] a permanent grant has no other window"));
        }
        if self.issuer_always_named == Some(true) && self.definition().profile.callback_issuer.is_none() {
            problems.push(format!("[providers.{name}] issuer_always_named goes with issuer"));
        }
        problems.extend(self.header_problem().map(|problem| format!("[providers.{name}] {problem}")));
        problems.extend(self.budget().err().map(|problem| format!("[providers.{name}] {problem}")));
        for (key, span) in self.spans() {
            problems.extend(too_long(span).map(|problem| format!("[providers.{name}] {key} {problem}")));
        }
        let definition = self.definition().validate().err().unwrap_or_default();
        problems.extend(definition.iter().map(|problem| format!("[providers.{name}] {problem}")));
        problems
    }

    fn spans(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let spans = [
            ("grace", self.grace),
            ("access_token_lifetime", self.access_token_lifetime),
            ("refresh_token_timeout", self.refresh_token_timeout),
            ("authorization_expires_in", self.authorization_expires_in),
        ];
        spans.into_iter().filter_map(|(key, span)| Some((key, span?)))
    }

    fn overrides(&self) -> Overrides {
        Overrides {
            authorize_url: self.authorize_url.clone(),
            token_url: self.token_url.clone(),
            device_authorization_url: self.device_authorization_url.clone(),
            revoke_url: self.revoke_url.clone(),
            introspect_url: self.introspect_url.clone(),
            base_url: self.base_url.clone(),
            client_settings_url: self.client_settings_url.clone(),
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
            revocation: self.revokes.map(|tokens| match tokens {
                Revokes::RefreshToken => RevokedTokens::RefreshToken,
                Revokes::Both => RevokedTokens::Both,
            }),
            revocation_reaches: self.revocation_reaches.map(|reach| match reach {
                Reaches::Token => RevocationReach::Token,
                Reaches::Authorization => RevocationReach::Authorization,
                Reaches::Unknown => RevocationReach::Unknown,
            }),
            consent_replaces: self.consent_replaces.map(|replaces| match replaces {
                Replaces::No => ConsentReplaces::No,
                Replaces::Yes => ConsentReplaces::Yes,
                Replaces::Unknown => ConsentReplaces::Unknown,
            }),
            issuer: self.issuer.clone(),
            issuer_always_named: self.issuer_always_named,
            api_key_headers: self.api_key_headers(),
            client_credentials: self.client_credentials,
            derived_token_url: self.derived_token_url.clone(),
            grant_window: if self.permanent == Some(true) {
                Some(GrantWindow::Permanent)
            } else {
                self.window()
            },
        }
    }

    fn api_key_headers(&self) -> Option<ApiKeyHeaders> {
        let (id, secret) = (self.api_key_id_header.as_ref()?, self.api_key_secret_header.as_ref()?);
        Some(ApiKeyHeaders { id: id.clone(), secret: secret.clone() })
    }

    /// What is wrong with the headers of API keys.
    fn header_problem(&self) -> Option<&'static str> {
        let (id, secret) = match (&self.api_key_id_header, &self.api_key_secret_header) {
            (None, None) => return None,
            (Some(id), Some(secret)) => (id, secret),
            _ => return Some("api_key_id_header and api_key_secret_header go together"),
        };
        let is_name = |name: &str| {
            let is_token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !name.is_empty() && name.bytes().all(is_token)
        };
        match is_name(id) && is_name(secret) && id != secret {
            true => None,
            false => Some("api_key_id_header and api_key_secret_header must be two names of a-z, 0-9 and -"),
        }
    }

    fn rotation_mode(&self) -> Option<RotationMode> {
        // Every adapter is single-use unless the configuration says otherwise, so `reuse` alone is enough.
        let rotation = self.rotation.or(self.reuse.map(|_| Rotation::SingleUse))?;
        Some(match rotation {
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
        named.then_some(GrantWindow::Limits {
            refresh_token_timeout: self.refresh_token_timeout,
            authorization_expires_in: self.authorization_expires_in,
        })
    }
}
