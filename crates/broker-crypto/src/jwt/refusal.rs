//! Why a token is not accepted. Nothing of the token is in the text: whoever sent it chose it.

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// Longer than [`LONGEST_TOKEN`](crate::jwt::LONGEST_TOKEN).
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url with JSON in the first two, or a member is of the wrong type or there twice.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// `typ` says that it is something else than an access or id token (RFC 8725 section 3.11).
    #[error("the token is of another type")]
    WrongType,
    /// `crit` names something that must be understood (RFC 7515 section 4.1.11); nothing of it is.
    #[error("the token demands an extension")]
    Critical,
    /// `alg` is not one of those this issuer signs with.
    #[error("the token is signed with an algorithm that is not allowed for its issuer")]
    AlgorithmNotAllowed,
    /// No key of the issuer has this `kid`.
    #[error("the token is signed with a key that its issuer does not publish")]
    UnknownKey,
    /// The token names no key, and several come into question.
    #[error("the token names no key, and its issuer has several")]
    NoKeyNamed,
    /// The key named is of another kind than the token's algorithm needs.
    #[error("the key that the token names does not go with its algorithm")]
    KeyDoesNotFit,
    /// The signature is not that of the key.
    #[error("the token's signature does not verify")]
    BadSignature,
    /// `iss` is not the issuer.
    #[error("the token is of another issuer")]
    WrongIssuer,
    /// `aud` has none of the audiences.
    #[error("the token is meant for another audience")]
    WrongAudience,
    /// `exp` has come.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` lies in the future, or after `exp`.
    #[error("the token was issued at an impossible time")]
    ImpossibleTime,
    /// The claim that names the caller is missing, empty or no text.
    #[error("the token has no claim that names the caller")]
    NoSubject,
}

impl TokenRefused {
    /// One word, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed(_) => "malformed",
            Self::WrongType => "wrong_type",
            Self::Critical => "critical",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::UnknownKey => "unknown_key",
            Self::NoKeyNamed => "no_key_named",
            Self::KeyDoesNotFit => "key_does_not_fit",
            Self::BadSignature => "bad_signature",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::ImpossibleTime => "impossible_time",
            Self::NoSubject => "no_subject",
        }
    }
}
