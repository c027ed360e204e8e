//! How a provider wants to be spoken to.

/// How a provider wants its token endpoint called, and how its answers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireProfile {
    /// Where a confidential client's secret is put. A public client only names itself, in the body.
    pub client_authentication: ClientAuthentication,
    /// How the body is written.
    pub body_format: BodyFormat,
    /// Whether the scope is named again at exchange and refresh.
    pub send_scope: bool,
    /// What stands between two scopes (RFC 6749 §3.3: a space).
    pub scope_separator: char,
    /// The response member that names the prefix of API calls.
    pub base_url_member: Option<String>,
    /// Codes that mean a dead token, besides `invalid_grant`.
    pub dead_token_codes: Vec<String>,
    /// Codes that mean a rejected client, besides `invalid_client` and `unauthorized_client`.
    pub client_rejected_codes: Vec<String>,
    /// Whether a revocation request says which kind of token it shows (RFC 7009 §2.1).
    pub send_token_type_hint: bool,
    /// Codes by which the revocation endpoint says that a token is not valid any more, besides `invalid_token` and
    /// what means a dead token. RFC 7009 §2.2 has it answer 200; not all do.
    pub revoked_before_codes: Vec<String>,
    /// Who says whose account an access token is of; `None` if nobody does.
    pub identity: Option<Identity>,
    /// Whether a confidential client keeps its secret to itself in a device flow (RFC 8628 §3.1, §3.4).
    pub device_flow_without_secret: bool,
}

/// Who says whose account an access token is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A resource below the prefix of API calls, read with the token: the members that name the account, in this order.
    Resource {
        /// Its path below the prefix.
        path: String,
        /// Members of its JSON; each must be there.
        members: Vec<String>,
    },
    /// `sub` of the introspection endpoint (RFC 7662 §2.2), where one is configured.
    Introspection {
        /// A claim of the token itself (RFC 7519 §4) that says the same, for servers whose introspection does not.
        /// Nobody verifies it: the token came from the token endpoint itself.
        claim: Option<String>,
    },
}

/// Where the client's secret is put: in exactly one place (RFC 6749 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `Authorization: Basic` (`client_secret_basic`).
    Basic,
    /// `client_id` and `client_secret` in the body (`client_secret_post`).
    Post,
}

/// How the body of a token request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded` (RFC 6749 appendix B).
    Form,
    /// A JSON object of strings.
    Json,
}

impl BodyFormat {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}
