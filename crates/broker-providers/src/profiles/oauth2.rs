//! Any other authorization server: RFC 6749 as written, and the most careful reading where it is silent.

use std::time::Duration;

use broker_core::{
    ConsentReplaces, ProviderProfile, ReusePolicy, RevocationReach, RevokedTokens, RotationMode,
};

use crate::{BodyFormat, ClientAuthentication, Endpoints, Identity, ProviderDefinition, WireProfile};

/// What providers say instead of `invalid_grant`: GitHub, HubSpot and Slack.
const DEAD_TOKEN_CODES: [&str; 5] = [
    "bad_refresh_token",
    "bad_verification_code",
    "invalid_refresh_token",
    "invalid_code",
    "code_already_used",
];

/// What providers say instead of `invalid_client`: GitHub and Slack.
const CLIENT_REJECTED_CODES: [&str; 3] =
    ["incorrect_client_credentials", "bad_client_secret", "invalid_client_id"];

impl ProviderDefinition {
    /// A server by the book. Its `authorize_url` and `token_url` are empty and must be configured.
    pub fn oauth2() -> Self {
        Self { profile: profile(), wire: wire(), endpoints: Endpoints::default() }
    }
}

fn profile() -> ProviderProfile {
    ProviderProfile {
        rotation: RotationMode::SingleUse(ReusePolicy::Unknown),
        old_access_token_dies_on_refresh: false,
        access_token_lifetime: Duration::from_secs(3600),
        refresh_token_timeout: None,
        authorization_expires_in: None,
        default_scopes: Vec::new(),
        // "SHOULD also invalidate all access tokens" (RFC 7009 §2.1): not all servers do. Taken back without `revoke_url`.
        revocation: Some(RevokedTokens::Both),
        revocation_reaches: RevocationReach::Unknown,
        // Not documented; an earlier grant may end.
        consent_replaces: ConsentReplaces::Unknown,
        callback_issuer: None,
        api_key_headers: None,
        // Common, and asked for only where an operator says so.
        client_credentials: true,
    }
}

fn wire() -> WireProfile {
    let owned = |codes: &[&str]| codes.iter().map(ToString::to_string).collect();
    WireProfile {
        client_authentication: ClientAuthentication::Basic,
        body_format: BodyFormat::Form,
        send_scope: false,
        scope_separator: ' ',
        base_url_member: None,
        dead_token_codes: owned(&DEAD_TOKEN_CODES),
        client_rejected_codes: owned(&CLIENT_REJECTED_CODES),
        send_token_type_hint: true,
        revoked_before_codes: Vec::new(),
        identity: Some(Identity::Introspection { claim: None }),
        device_flow_without_secret: false,
    }
}
