//! All that is known of one authorization server.

use broker_core::ProviderProfile;

use crate::WireProfile;

/// All that is known of one authorization server. Plain data: [`Self::validate`] says if it makes sense.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderDefinition {
    /// How it treats tokens and grants.
    pub profile: ProviderProfile,
    /// How it wants to be spoken to.
    pub wire: WireProfile,
    /// Where it is.
    pub endpoints: Endpoints,
}

/// Where an authorization server is. Configuration, never constants of the code that uses them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Authorization endpoint (RFC 6749 §3.1).
    pub authorize_url: String,
    /// Token endpoint (RFC 6749 §3.2).
    pub token_url: String,
    /// Device authorization endpoint (RFC 8628 §3.1).
    pub device_authorization_url: Option<String>,
    /// Revocation endpoint (RFC 7009).
    pub revoke_url: Option<String>,
    /// Introspection endpoint (RFC 7662).
    pub introspect_url: Option<String>,
    /// Where the token of a user that may act in another account is exchanged for one of that account, in the way of Eagle
    /// Eye's `authorizationTokens`.
    pub derived_token_url: Option<String>,
    /// Prefix of API calls where the token response names none.
    pub base_url: Option<String>,
    /// Where the prefix of an account's API calls is asked for, if the token response names none.
    pub client_settings_url: Option<String>,
    /// Hosts a token response may name as the prefix of API calls: `api.example.com`,
    /// `*.example.com` (any depth below), or an IP address.
    pub api_hosts: Vec<String>,
}
