//! One line of the journal.

use serde::{Deserialize, Serialize};

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The authorization endpoint: consent page and decision.
    Authorize,
    /// The token endpoint with `grant_type=authorization_code`.
    Exchange,
    /// The token endpoint with `grant_type=refresh_token`.
    Refresh,
    /// The device authorization endpoint (RFC 8628).
    Device,
    /// The token endpoint with another grant type, or none.
    Token,
    /// The revocation endpoint.
    Revoke,
    /// The introspection endpoint.
    Introspect,
    /// Eagle Eye's exchange of a reseller's token for one of a customer's account.
    AuthorizationTokens,
    /// The provider's API.
    Api,
    /// No endpoint of this provider.
    Unknown,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The HTTP status; `None` when the connection was closed without an answer.
    pub status: Option<u16>,
    /// The OAuth error code of the answer.
    pub error: Option<String>,
}

/// One request, in the order of arrival. It holds no token, code or secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the journal, from 0.
    pub seq: u64,
    /// Arrival by the simulator's clock, in milliseconds since the Unix epoch.
    pub time: u64,
    /// What the request was for.
    pub endpoint: Endpoint,
    /// The client that the request names, whether or not it could prove it.
    pub client_id: Option<String>,
    /// The `grant_type` that the request names.
    pub grant_type: Option<String>,
    /// Serial of the refresh token that the request showed; `None` when it showed none that was ever issued.
    pub presented: Option<u64>,
    /// Serial of the refresh token that the answer carries, or would have carried.
    pub issued: Option<u64>,
    /// The family of tokens concerned: one per consent.
    pub family: Option<u64>,
    /// Generation of the refresh token shown; 0 for a code exchange.
    pub generation: Option<u64>,
    /// Whether the provider has carried the request out, told the client or not.
    pub committed: bool,
    /// How it ended; `None` while the request is being handled, and for good when the client left a hanging one.
    /// An answer counts here before it is sent.
    pub outcome: Option<Outcome>,
    /// When the whole answer had left, by the simulator's clock: the kernel had taken its last byte without an error.
    /// In microseconds since the Unix epoch, finer than `time`, to compare it with the end of a client that is
    /// killed. `None` until then, and for good when the answer was dropped, cut off, or could not be written.
    /// Whether the client ever read it is not known.
    pub answered_micros: Option<u64>,
}
