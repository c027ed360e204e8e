//! The conversation with one authorization server.

use std::sync::Arc;

use async_trait::async_trait;
use broker_crypto::{
    AccessToken, AuthorizationCode, AuthorizationState, ClientSecret, CodeVerifier, DeviceCode,
    ProviderResponse, RefreshToken,
};

use super::{DeviceAnswer, DeviceRequest, PollRefusal};
use crate::{ProviderFailure, ProviderProfile, Timestamp, TokenResponse, UpstreamAccount};

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
    /// The code of a device authorization (RFC 8628 §3.4).
    DeviceCode(DeviceCode),
    /// Nothing but the client itself (RFC 6749 §4.4.2).
    ClientCredentials,
}

/// One call of the token endpoint.
#[derive(Debug)]
pub struct TokenRequest {
    /// Who calls.
    pub client: ClientCredentials,
    /// What is presented.
    pub presentation: Presentation,
    /// The scopes of the grant, for providers that want them named again; those asked for with client credentials.
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

/// Asks whose account a fresh access token is of.
#[derive(Debug)]
pub struct IdentityRequest<'a> {
    /// Who asks.
    pub client: ClientCredentials,
    /// The access token.
    pub access_token: &'a AccessToken,
    /// Prefix of API calls, where the answer that brought the token named one.
    pub api_base_url: Option<&'a str>,
}

/// What was learnt of the account behind an access token.
#[derive(Debug)]
pub enum Identified {
    /// The account.
    Account(UpstreamAccount),
    /// It cannot be learnt, however often it is asked for.
    Unknown,
    /// Nobody answered; the same question may be answered later. The text is for logs.
    Unavailable(String),
}

/// The prefix of API calls was not learnt. Nothing of a token is in the text.
#[derive(Debug, thiserror::Error)]
pub enum NoBaseUrl {
    /// The provider answered with another status than 200.
    #[error("the provider answered with status {0}")]
    Refused(u16),
    /// What it answered names no base URL that may be used.
    #[error("the answer names no base URL that is allowed")]
    Unusable,
    /// Nobody answered. The text is for logs.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// Asks for an access token of another account.
#[derive(Debug)]
pub struct DerivedTokenRequest<'a> {
    /// The access token of whoever may act there.
    pub access_token: &'a AccessToken,
    /// The account.
    pub target: &'a str,
    /// The scopes asked for.
    pub scopes: &'a [String],
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

    /// Whether there is a device authorization endpoint.
    fn offers_device_authorization(&self) -> bool;

    /// Calls the device authorization endpoint once (RFC 8628 §3.1). Only where there is one.
    async fn authorize_device(&self, request: DeviceRequest) -> Result<RawResponse, CallError>;

    /// Reads an answer of the device authorization endpoint.
    fn interpret_device(&self, response: &RawResponse) -> DeviceAnswer;

    /// What a poll that gave no tokens means.
    fn poll_refusal(&self, failure: &ProviderFailure) -> PollRefusal;

    /// Calls the revocation endpoint once. `gate` is asked as in [`ProviderClient::call`]. Only where the profile says
    /// that there is one.
    async fn revoke(
        &self,
        request: RevocationRequest,
        gate: Arc<dyn SendGate>,
    ) -> Result<RawResponse, CallError>;

    /// Reads an answer of the revocation endpoint.
    fn interpret_revocation(&self, response: &RawResponse) -> RevocationAnswer;

    /// Whether the account behind an access token can be learnt.
    fn identifies(&self) -> bool {
        false
    }

    /// Learns the account behind an access token. Asking again harms nothing.
    async fn identify(&self, _request: IdentityRequest<'_>) -> Identified {
        Identified::Unknown
    }

    /// Whether the prefix of API calls can be asked for where an answer names none.
    fn discovers_base_url(&self) -> bool {
        false
    }

    /// Asks for the prefix of API calls with a fresh access token. Asking again harms nothing.
    async fn discover_base_url(&self, _access_token: &AccessToken) -> Result<String, NoBaseUrl> {
        Err(NoBaseUrl::Unusable)
    }

    /// Whether it gives tokens of other accounts to whoever shows a token that may act there.
    fn derives_tokens(&self) -> bool {
        false
    }

    /// Asks for a token of another account once. Only where [`ProviderClient::derives_tokens`].
    async fn derive_token(&self, _request: DerivedTokenRequest<'_>) -> Result<RawResponse, CallError> {
        Err(CallError::Unsent("the provider derives no tokens".to_owned()))
    }

    /// Reads an answer to that.
    fn interpret_derived(&self, response: &RawResponse) -> TokenOutcome {
        self.interpret(response)
    }
}
