//! Why a token request is refused; each provider puts these into its own words.

/// A reason to refuse a code or a refresh token.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The code was never issued, is over, was used, or belongs to another client.
    BadCode,
    /// The redirect URI is not the one of the authorization request.
    RedirectMismatch,
    /// The PKCE verifier is missing, unexpected or wrong.
    VerifierMismatch,
    /// The refresh token was never issued, is over, revoked, used up, or belongs to another client.
    DeadToken,
    /// The scope asked for exceeds the scope of the grant.
    WiderScope,
    /// The client is not registered for the scope of the grant.
    ClientLacksScope,
    /// The state file cannot be written; nothing was changed.
    Storage,
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "the state file cannot be written; the request was not carried out");
        Self::Storage
    }
}
