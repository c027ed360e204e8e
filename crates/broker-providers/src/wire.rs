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
