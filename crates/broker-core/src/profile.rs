//! What the middle must know of a provider to decide: data, not code.

use std::time::Duration;

/// How a provider treats refresh tokens and grants (providers.md; RFC 6749 §6, RFC 9700 §4.14).
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderProfile {
    /// What happens to a refresh token when it is used.
    pub rotation: RotationMode,
    /// The access token that was current before a refresh stops working at once.
    pub old_access_token_dies_on_refresh: bool,
    /// Life of an access token whose response names none that is usable.
    pub access_token_lifetime: Duration,
    /// The refresh token dies of this much idleness (draft-ietf-oauth-refresh-token-expiration).
    pub refresh_token_timeout: Option<Duration>,
    /// The authorization ends this long after consent, refreshed or not (same draft).
    pub authorization_expires_in: Option<Duration>,
    /// The scopes that every request must ask for; empty if the provider has no such rule.
    pub default_scopes: Vec<String>,
    /// Which tokens its revocation endpoint is shown (RFC 7009); `None` if it has none.
    pub revocation: Option<RevokedTokens>,
    /// What the revocation of a refresh token takes with it.
    pub revocation_reaches: RevocationReach,
    /// Whether a new consent ends the grant that came before it.
    pub consent_replaces: ConsentReplaces,
    /// Who its callbacks may say they come from (RFC 9207); `None` if that is not known, and none may say anything.
    pub callback_issuer: Option<CallbackIssuer>,
    /// The headers of its API keys; `None` if its API takes none.
    pub api_key_headers: Option<ApiKeyHeaders>,
    /// Whether it gives tokens to the client itself (RFC 6749 §4.4).
    pub client_credentials: bool,
}

/// Whether a new consent of the same user and client ends the grant that came before it (rule 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentReplaces {
    /// Both live on.
    No,
    /// The earlier one ends.
    Yes,
    /// Not known; handled like [`ConsentReplaces::Yes`].
    Unknown,
}

/// The issuer that callbacks name in `iss` (RFC 9207 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackIssuer {
    /// The issuer identifier, compared as it stands (RFC 3986 §6.2.1).
    pub issuer: String,
    /// Every callback names it: the provider's `authorization_response_iss_parameter_supported`.
    pub always_named: bool,
}

impl ProviderProfile {
    /// Whether a callback that names this issuer, or none, may be the provider's (RFC 9207 §2.4).
    pub(crate) fn sends(&self, issuer: Option<&str>) -> bool {
        match (&self.callback_issuer, issuer) {
            (Some(known), Some(named)) => known.issuer == named,
            (Some(known), None) => !known.always_named,
            // What cannot be compared is no proof, and a provider that names an issuer is to be configured with it.
            (None, named) => named.is_none(),
        }
    }
}

/// The headers that carry an API key: lower-case names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyHeaders {
    /// Of the identifying half.
    pub id: String,
    /// Of the secret half.
    pub secret: String,
}

/// Which tokens of a set are shown to the revocation endpoint (RFC 7009 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedTokens {
    /// The refresh token: its access tokens go with it. The access token only where there is no refresh token.
    RefreshToken,
    /// The refresh token, then the access token, which may outlive it.
    Both,
}

/// What the revocation of a refresh token takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReach {
    /// The chain of tokens it belongs to, from one consent.
    Token,
    /// Every token of the same user and client, a later consent's among them.
    Authorization,
    /// Not known; handled like [`RevocationReach::Authorization`].
    Unknown,
}

/// What happens to a refresh token when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationMode {
    /// Stays valid: may be presented again after a lost answer.
    Reusable,
    /// Replaced at use, but the old one is still accepted for a while.
    Grace(Duration),
    /// Replaced at use and dead at once.
    SingleUse(ReusePolicy),
}

/// What a provider does when a used refresh token is presented again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReusePolicy {
    /// Refuses it; the successor lives on.
    Reject,
    /// Revokes every token of the family (RFC 9700 §4.14.2).
    RevokeFamily,
    /// Not known; handled like [`ReusePolicy::RevokeFamily`].
    Unknown,
}
