//! Eagle Eye Networks, from its developer pages, samples and published server metadata.

use std::time::Duration;

use broker_core::{
    CallbackIssuer, ConsentReplaces, ProviderProfile, ReusePolicy, RevocationReach, RevokedTokens,
    RotationMode,
};

use crate::{BodyFormat, ClientAuthentication, Endpoints, Identity, ProviderDefinition, WireProfile};

const DAY: Duration = Duration::from_secs(24 * 3600);

impl ProviderDefinition {
    /// Eagle Eye Networks: form bodies, Basic authentication, and a base URL of its own per account.
    pub fn eagle_eye() -> Self {
        Self { profile: profile(), wire: wire(), endpoints: endpoints() }
    }
}

fn profile() -> ProviderProfile {
    ProviderProfile {
        // Replaced at each use; the old one is "immediately invalidated". Reuse is not documented.
        rotation: RotationMode::SingleUse(ReusePolicy::Unknown),
        // "The old access token derived from A is also invalidated."
        old_access_token_dies_on_refresh: true,
        // Accounts choose between 15 minutes and 7 days. Without `expires_in` only the minimum is safe:
        // to believe in a longer life would serve dead tokens.
        access_token_lifetime: Duration::from_secs(15 * 60),
        refresh_token_timeout: None,
        // Two official pages disagree: 7 days from consent, or 14 days idle and 90 in all. The shorter
        // one warns in time under both; a grant that outlives it goes on being refreshed.
        authorization_expires_in: Some(7 * DAY),
        default_scopes: vec!["vms.all".to_owned()],
        // Spring Authorization Server: the access tokens go with the refresh token.
        revocation: Some(RevokedTokens::RefreshToken),
        // Whether other consents of the user go too is not documented.
        revocation_reaches: RevocationReach::Unknown,
        // Not documented; an earlier grant may end.
        consent_replaces: ConsentReplaces::Unknown,
        // The issuer of its published metadata, which does not say that callbacks name it.
        callback_issuer: Some(CallbackIssuer {
            issuer: "https://auth.eagleeyenetworks.com".to_owned(),
            always_named: false,
        }),
        api_key_headers: None,
        // Its published metadata names the grant type.
        client_credentials: true,
    }
}

fn wire() -> WireProfile {
    WireProfile {
        client_authentication: ClientAuthentication::Basic,
        // One page asks for JSON, but its own samples send forms, and JSON was seen to fail.
        body_format: BodyFormat::Form,
        send_scope: true,
        scope_separator: ' ',
        base_url_member: Some("httpsBaseUrl".to_owned()),
        dead_token_codes: Vec::new(),
        client_rejected_codes: Vec::new(),
        send_token_type_hint: true,
        revoked_before_codes: Vec::new(),
        // An account and one of its users: reseller accounts have many.
        identity: Some(Identity::Resource {
            path: "api/v3.0/users/self".to_owned(),
            members: vec!["accountId".to_owned(), "id".to_owned()],
        }),
        device_flow_without_secret: false,
    }
}

fn endpoints() -> Endpoints {
    let at = |path: &str| format!("https://auth.eagleeyenetworks.com/oauth2/{path}");
    Endpoints {
        authorize_url: at("authorize"),
        token_url: at("token"),
        device_authorization_url: Some(at("device_authorization")),
        revoke_url: Some(at("revoke")),
        introspect_url: Some(at("introspect")),
        derived_token_url: Some("https://auth.eagleeyenetworks.com/api/v3.0/authorizationTokens".to_owned()),
        base_url: Some("https://api.eagleeyenetworks.com".to_owned()),
        client_settings_url: Some("https://api.eagleeyenetworks.com/api/v3.0/clientSettings".to_owned()),
        api_hosts: vec!["*.eagleeyenetworks.com".to_owned()],
    }
}
