//! What a token endpoint answered, and what of it is kept.

use std::time::Duration;

use broker_crypto::{AccessToken, RefreshToken, Sealed};

use crate::schedule::GrantEnd;
use crate::{Generation, GrantWindow, Timestamp};

/// A successful answer of a token endpoint (RFC 6749 §5.1), read but not yet kept.
#[derive(Debug)]
pub struct TokenResponse {
    /// The access token, never empty.
    pub access_token: AccessToken,
    /// The new refresh token; `None` keeps the old one (RFC 6749 §6).
    pub refresh_token: Option<RefreshToken>,
    /// Token type as named by the provider.
    pub token_type: String,
    /// Life of the access token, if the answer names a usable one. Zero where it names less than a second: no life at all,
    /// or the last second of a token that is repeated.
    pub expires_in: Option<Duration>,
    /// Scopes granted; `None` means as asked for (RFC 6749 §5.1).
    pub scopes: Option<Vec<String>>,
    /// Prefix of API calls, if the answer names an allowed one.
    pub api_base_url: Option<String>,
    /// What it says of the grant's life: that of the refresh token, and what is left of the authorization
    /// (draft-ietf-oauth-refresh-token-expiration).
    pub window: GrantWindow,
}

/// A token set ready to be adopted: sealed, with its facts in the clear.
#[derive(Debug, Clone)]
pub struct SealedTokenSet {
    /// The generation it is sealed for: the one its adoption makes.
    pub generation: Generation,
    /// The access token.
    pub access_token: Sealed<AccessToken>,
    /// The new refresh token; `None` keeps the row's own within a lineage.
    pub refresh_token: Option<Sealed<RefreshToken>>,
    /// Token type.
    pub token_type: String,
    /// Scopes granted.
    pub scopes: Vec<String>,
    /// Prefix of API calls; `None` keeps the row's own within a lineage.
    pub api_base_url: Option<String>,
    /// When the access token was issued.
    pub issued_at: Timestamp,
    /// When the access token expires.
    pub expires_at: Timestamp,
    /// When the grant dies.
    pub end: GrantEnd,
    /// When the first notice of that is due; `None` if there is none, or it has come.
    pub first_notice_at: Option<Timestamp>,
    /// When to refresh next; `None` if it cannot be refreshed.
    pub due_at: Option<Timestamp>,
}
