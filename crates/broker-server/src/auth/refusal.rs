//! Why a caller is not known. For the log and metrics; the caller learns only that it is so.

use broker_crypto::jwt::TokenRefused;

use super::trust_domains::CertificateRefused;

/// Why a caller is not known. Nothing that the caller said is in the text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the client showed no certificate")]
    NoCertificate,
    #[error(transparent)]
    Certificate(#[from] CertificateRefused),
    #[error("there is no metadata `authorization`")]
    NoToken,
    #[error("the metadata `authorization` is not one bearer token")]
    NotBearer,
    #[error("the token is of an issuer that is not configured")]
    UnknownIssuer,
    /// The one that says nothing of the caller.
    #[error("the keys of the token's issuer could not be read")]
    StaleKeys,
    #[error(transparent)]
    Token(#[from] TokenRefused),
    #[error("the name of the caller is longer than 512 bytes or has control characters")]
    Name,
}

impl Refusal {
    /// One word, for metrics.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::Certificate(_) => "certificate",
            Self::NoToken => "no_token",
            Self::NotBearer => "not_bearer",
            Self::UnknownIssuer => "unknown_issuer",
            Self::StaleKeys => "stale_keys",
            Self::Token(refused) => refused.as_str(),
            Self::Name => "name",
        }
    }
}
