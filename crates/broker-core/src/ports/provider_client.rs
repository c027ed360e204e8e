//! The conversation with one authorization server.

use std::sync::Arc;

use async_trait::async_trait;
use broker_crypto::{
    AccessToken, AuthorizationCode, AuthorizationState, ClientSecret, CodeVerifier, ProviderResponse,
    RefreshToken,
};

use crate::{ProviderFailure, ProviderProfile, Timestamp, TokenResponse};

/// What the link a user is sent to must carry (RFC 6749 §4.1.1, RFC 7636 §4.3).
#[derive(Debug)]
pub struct AuthorizationRequest<'a> {
    /// The client identifier.
    pub client_id: &'a str,
    /// The redirect URI, sent exactly so.
    pub redirect_uri: &'a str,
    /// The scopes asked for.
    pub scopes: &'a [String],
    /// The one-time state.
    pub state: &'a AuthorizationState,
    /// The S256 challenge.
    pub code_challenge: &'a str,
    /// Whom to offer to log in (OpenID Connect Core §3.1.2.1), if known.
    pub login_hint: Option<&'a str>,
}

/// How the client authenticates (RFC 6749 §2.3).
#[derive(Debug)]
pub struct ClientCredentials {
    /// The client identifier.
    pub client_id: String,
    /// The secret; `None` for a public client.
    pub client_secret: Option<ClientSecret>,
}

/// What is presented to the token endpoint.
#[derive(Debug)]
pub enum Presentation {
    /// A code, from the redirect (RFC 6749 §4.1.3).
    AuthorizationCode {
        /// The code.
        code: AuthorizationCode,
        /// The redirect URI the code was sent to.
        redirect_uri: String,
        /// The PKCE verifier (RFC 7636 §4.5).
        verifier: CodeVerifier,
    },
    /// A refresh token (RFC 6749 §6).
    RefreshToken(RefreshToken),
}

/// One call of the token endpoint.
#[derive(Debug)]
pub struct TokenRequest {
    /// Who calls.
    pub client: ClientCredentials,
    /// What is presented.
    pub presentation: Presentation,
    /// The scopes of the grant, for providers that want them named again.
    pub scopes: Vec<String>,
}

/// The request must not be sent: it could not be made durable that it is about to be.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("sending was refused: the attempt is not open any more, or the store did not answer")]
pub struct SendRefused;

/// Asked once, when the first byte of a request body is about to be written.
#[async_trait]
pub trait SendGate: Send + Sync {
    /// Makes SENT durable. Failing keeps every byte of the body unwritten.
    async fn commit_sent(&self) -> Result<(), SendRefused>;
}

/// An answer as it came off the wire, unread.
#[derive(Debug)]
pub struct RawResponse {
    /// HTTP status.
    pub status: u16,
    /// The `Retry-After` header, in either form.
    pub retry_after: Option<String>,
    /// The body.
    pub body: ProviderResponse,
    /// When the last byte was read.
    pub received_at: Timestamp,
}

/// No answer. The text is for logs and carries nothing of request or response.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Provably nothing of the body was written.
    #[error("nothing was sent: {0}")]
    Unsent(String),
    /// The request may have been executed.
    #[error("the answer was lost: {0}")]
    Lost(String),
}

/// What an answer means.
#[derive(Debug)]
pub enum TokenOutcome {
    /// Tokens.
    Granted(TokenResponse),
    /// Anything else.
    Failed(ProviderFailure),
}

/// The token a revocation request shows.
#[derive(Debug)]
pub enum RevokedToken {
    /// A refresh token.
    Refresh(RefreshToken),
    /// An access token.
    Access(AccessToken),
}

/// One call of the revocation endpoint (RFC 7009 §2.1).
#[derive(Debug)]
pub struct RevocationRequest {
    /// Who calls.
    pub client: ClientCredentials,
    /// What is to be revoked.
    pub token: RevokedToken,
}

/// What an answer of the revocation endpoint means (RFC 7009 §2.2).
#[derive(Debug, PartialEq, Eq)]
pub enum RevocationAnswer {
    /// The token is revoked, or was not valid any more.
    Revoked,
    /// The server does not revoke tokens of this kind (`unsupported_token_type`).
    Unsupported,
    /// Anything else.
    Failed(ProviderFailure),
}

/// One authorization server.
#[async_trait]
pub trait ProviderClient: Send + Sync {
    /// How it treats tokens and grants.
    fn profile(&self) -> &ProviderProfile;

    /// The link to send a user to.
    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> String;

    /// Calls the token endpoint once. `gate` is asked after the connection stands and before the body is written.
    async fn call(&self, request: TokenRequest, gate: Arc<dyn SendGate>) -> Result<RawResponse, CallError>;

    /// Reads an answer.
    fn interpret(&self, response: &RawResponse) -> TokenOutcome;

    /// Calls the revocation endpoint once. `gate` is asked as in [`ProviderClient::call`]. Only where the profile says
    /// that there is one.
    async fn revoke(
        &self,
        request: RevocationRequest,
        gate: Arc<dyn SendGate>,
    ) -> Result<RawResponse, CallError>;

    /// Reads an answer of the revocation endpoint.
    fn interpret_revocation(&self, response: &RawResponse) -> RevocationAnswer;
}
