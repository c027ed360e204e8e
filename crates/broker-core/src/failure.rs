//! What a provider's refusal or silence means: the kinds the middle decides by.

use std::time::Duration;

/// What kind of failure a call of a token endpoint ended in.
///
/// Which answer is which kind is decided in one place, `broker-providers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The refresh token or code is expired, revoked, used or unknown (`invalid_grant`, RFC 6749 §5.2).
    DeadToken,
    /// The client id or secret was refused (`invalid_client`): the application's fault, not the grant's.
    ClientRejected,
    /// A bare 401 or 403 without an OAuth code: either of the two above.
    UnlabelledRefusal,
    /// Too many requests; surely not executed.
    Throttled,
    /// No connection could be made; surely not executed.
    Unreachable,
    /// Any other refusal with a code; surely not executed.
    Refused,
    /// The request may have been executed and the answer is lost or unreadable.
    Uncertain,
    /// The broker itself could not make the request: a sealed value does not open, or the registration is gone.
    Internal,
}

impl FailureKind {
    const ALL: [Self; 8] = [
        Self::DeadToken,
        Self::ClientRejected,
        Self::UnlabelledRefusal,
        Self::Throttled,
        Self::Unreachable,
        Self::Refused,
        Self::Uncertain,
        Self::Internal,
    ];

    /// The name in stores, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeadToken => "dead_token",
            Self::ClientRejected => "client_rejected",
            Self::UnlabelledRefusal => "unlabelled_refusal",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Uncertain => "uncertain",
            Self::Internal => "internal",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A call of a token endpoint that gave no tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderFailure {
    /// What kind.
    pub kind: FailureKind,
    /// The OAuth error code, if the provider sent one.
    pub oauth_error: Option<String>,
    /// The HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// How long the provider asks to wait (RFC 9110 §10.2.3).
    pub retry_after: Option<Duration>,
}

impl ProviderFailure {
    /// A failure of which nothing but its kind is known.
    pub fn of(kind: FailureKind) -> Self {
        Self { kind, oauth_error: None, http_status: None, retry_after: None }
    }
}
