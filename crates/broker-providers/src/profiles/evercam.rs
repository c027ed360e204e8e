//! Evercam, from its guide "Building apps with the Evercam OAuth API" (user.evercam.io).

use std::time::Duration;

use broker_core::{
    ApiKeyHeaders, ConsentReplaces, ProviderProfile, ReusePolicy, RevocationReach, RevokedTokens,
    RotationMode,
};

use crate::{BodyFormat, ClientAuthentication, Endpoints, Identity, ProviderDefinition, WireProfile};

const DAY: Duration = Duration::from_secs(24 * 3600);

impl ProviderDefinition {
    /// Evercam: JSON bodies, credentials in them, refresh tokens of 30 days that are replaced at each use.
    pub fn evercam() -> Self {
        Self { profile: profile(), wire: wire(), endpoints: endpoints() }
    }
}

fn profile() -> ProviderProfile {
    ProviderProfile {
        // "Rotated on each use"; what a second use does is not documented.
        rotation: RotationMode::SingleUse(ReusePolicy::Unknown),
        old_access_token_dies_on_refresh: false,
        access_token_lifetime: Duration::from_secs(3600),
        // Stated per token, so each rotation begins a new 30 days.
        refresh_token_timeout: Some(30 * DAY),
        authorization_expires_in: None,
        default_scopes: Vec::new(),
        // A refresh token that is revoked takes its access tokens with it. How far that reaches is not documented.
        revocation: Some(RevokedTokens::RefreshToken),
        revocation_reaches: RevocationReach::Unknown,
        // Not documented; an earlier grant may end.
        consent_replaces: ConsentReplaces::Unknown,
        callback_issuer: None,
        api_key_headers: Some(api_key_headers()),
        // Its API takes keys instead.
        client_credentials: false,
    }
}

/// "x-api-id and x-api-key", of a user's account or of a project.
fn api_key_headers() -> ApiKeyHeaders {
    ApiKeyHeaders { id: "x-api-id".to_owned(), secret: "x-api-key".to_owned() }
}

fn wire() -> WireProfile {
    WireProfile {
        client_authentication: ClientAuthentication::Post,
        body_format: BodyFormat::Json,
        send_scope: false,
        scope_separator: ' ',
        base_url_member: None,
        dead_token_codes: Vec::new(),
        client_rejected_codes: Vec::new(),
        send_token_type_hint: false,
        revoked_before_codes: Vec::new(),
        // What introspection answers is not documented; the token's own claim names the same user.
        identity: Some(Identity::Introspection { claim: Some("sub".to_owned()) }),
        device_flow_without_secret: true,
    }
}

fn endpoints() -> Endpoints {
    let at = |path: &str| format!("https://media.evercam.io{path}");
    Endpoints {
        authorize_url: at("/oauth/authorize"),
        token_url: at("/oauth/token"),
        device_authorization_url: Some(at("/oauth/device/authorize")),
        revoke_url: Some(at("/oauth/revoke")),
        introspect_url: Some(at("/oauth/introspect")),
        derived_token_url: None,
        base_url: Some(at("/v2")),
        client_settings_url: None,
        api_hosts: Vec::new(),
    }
}
