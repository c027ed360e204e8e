//! What a use case can answer instead of a result. One exhaustive mapping makes gRPC statuses of it.

use std::time::Duration;

use broker_crypto::CryptoError;

use crate::ports::StoreError;
use crate::{ConsentCause, KeyUse, Quota, RegistrationId, Timestamp};

/// A request that cannot be answered with a result.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// No such grant, or a grant of another tenant: the two look alike.
    #[error("there is no such grant")]
    GrantNotFound,
    /// No such tenant.
    #[error("there is no such tenant")]
    TenantNotFound,
    /// The tenant is not registered as a client at the provider.
    #[error("the tenant has no client registration at this provider")]
    NoClientRegistration,
    /// A registration was named, and there is none of that name.
    #[error("there is no such client registration")]
    RegistrationNotFound,
    /// No such resource; what kind of thing is missing.
    #[error("there is no such {0}")]
    ResourceNotFound(&'static str),
    /// Something else still needs the resource; what, and what to do first.
    #[error("the resource is in use: {0}")]
    ResourceInUse(&'static str),
    /// The resource was changed since the caller read it.
    #[error("the resource was changed since it was read")]
    EtagMismatch,
    /// No such authorization of this tenant.
    #[error("there is no such authorization")]
    AuthorizationNotFound,
    /// The name is taken; what kind of thing has it.
    #[error("a {0} of this name already exists")]
    AlreadyExists(&'static str),
    /// The refresh token began another grant, or this one.
    #[error("the refresh token belongs to a grant already")]
    DuplicateToken,
    /// The user must consent again.
    #[error("the user must consent again")]
    ConsentRequired(ConsentCause),
    /// The window of the grant is over.
    #[error("the window of the grant is over")]
    GrantExpired {
        /// When it ended, if the provider's window says.
        ended_at: Option<Timestamp>,
        /// The registration to consent through.
        registration: RegistrationId,
    },
    /// The scopes granted do not cover those required.
    #[error("the grant does not cover every required scope")]
    MissingScopes(Vec<String>),
    /// The provider refuses the client id or secret.
    #[error("the provider refuses the client registration")]
    ClientRegistrationRejected(RegistrationId),
    /// The provider is down, slow or throttling, and no valid token is held.
    #[error("the provider gives no token at present")]
    ProviderUnavailable(Duration),
    /// The replica has as many streams as it may, or the caller does; how many.
    #[error("{0} streams are open, as many as may be")]
    TooManyStreams(u32),
    /// The stream has lasted as long as it may, or the replica stops.
    #[error("the stream is over")]
    StreamOver,
    /// An operator has paused the refresh, and no valid token is held.
    #[error("refreshing is paused")]
    RefreshPaused(Duration),
    /// A refresh is still running.
    #[error("a refresh is still running")]
    RefreshInProgress(Duration),
    /// The store or the escrow cannot be used.
    #[error("a backend of the broker cannot be reached")]
    BackendUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The caller showed no credential, or one that is not accepted. Why stands in the log, not in the answer.
    #[error("the caller is not known")]
    CallerUnknown,
    /// No access policy allows the caller this.
    #[error("the caller is not allowed to do this")]
    AccessDenied,
    /// The tenant, or the caller for it, is over its rate.
    #[error("too many requests")]
    TenantRateLimited(Duration),
    /// The tenant has as many of something as it may have.
    #[error("the tenant is at its quota of {}", .0.kind.as_str())]
    QuotaExceeded(Quota),
    /// The request is malformed.
    #[error("the request is malformed")]
    InvalidRequest(Vec<FieldViolation>),
    /// The callback cannot be accepted.
    #[error("the authorization cannot be completed")]
    AuthorizationInvalid(AuthorizationProblem),
    /// The events asked for are not kept any more; the oldest place that is.
    #[error("the events before {0} are not kept any more")]
    EventsForgotten(u64),
    /// No such key.
    #[error("there is no such key")]
    KeyNotFound,
    /// No such rotation of keys.
    #[error("there is no such key rotation")]
    KeyRotationNotFound,
    /// The key cannot be retired yet, for this reason.
    #[error("the key is in use")]
    KeyInUse(KeyUse),
    /// The tenant's data keys have sealed as many values as they may, and must be rotated first.
    #[error("the tenant's data keys have sealed as many values as they may")]
    KeysExhausted,
    /// A defect, or data altered by a foreign hand.
    #[error("the broker failed: {0}")]
    Internal(String),
}

impl BrokerError {
    /// This error; but `absent` in place of a denial that would tell that there is something.
    pub(crate) fn unless_denied(self, absent: Self) -> Self {
        if matches!(self, Self::AccessDenied) { absent } else { self }
    }
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field, as in the contract.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl FieldViolation {
    /// A violation of `field`.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// Why a callback was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizationProblem {
    /// The state is not one this tenant was given.
    UnknownState,
    /// The state was used before.
    AlreadyUsed,
    /// The state is older than its life.
    Expired,
    /// The callback is completed for another user than it was started for.
    WrongUser,
    /// The callback came to another URI than the one asked for.
    WrongRedirectUri,
    /// The user refused.
    Denied,
    /// The provider answered the request with an error.
    ProviderError,
    /// The provider refused the code.
    CodeRefused,
    /// The user completed a later authorization meanwhile.
    Superseded,
    /// The grant was revoked meanwhile.
    Revoked,
    /// The user consented with another upstream account than the one of the grant.
    AccountChanged,
    /// The refresh token belongs to another grant.
    DuplicateToken,
    /// The callback names another issuer than the provider's, or none where the provider always does (RFC 9207).
    WrongIssuer,
    /// The callback was to come to the broker's own page and is handed over by the product, or the other way round.
    WrongReceiver,
    /// The user has not come back to the broker's page.
    NotAnswered,
    /// The completion code is not the one that the page gave.
    WrongCompletionCode,
}

impl AuthorizationProblem {
    /// The name in error details and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownState => "UNKNOWN_STATE",
            Self::AlreadyUsed => "ALREADY_USED",
            Self::Expired => "EXPIRED",
            Self::WrongUser => "WRONG_USER",
            Self::WrongRedirectUri => "WRONG_REDIRECT_URI",
            Self::Denied => "DENIED",
            Self::ProviderError => "PROVIDER_ERROR",
            Self::CodeRefused => "CODE_REFUSED",
            Self::Superseded => "SUPERSEDED",
            Self::Revoked => "REVOKED",
            Self::AccountChanged => "ACCOUNT_CHANGED",
            Self::DuplicateToken => "DUPLICATE_TOKEN",
            Self::WrongIssuer => "WRONG_ISSUER",
            Self::WrongReceiver => "WRONG_RECEIVER",
            Self::NotAnswered => "NOT_ANSWERED",
            Self::WrongCompletionCode => "WRONG_COMPLETION_CODE",
        }
    }
}

/// An error with all its causes, for logs: the outermost alone does not say what to repair.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl From<StoreError> for BrokerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(source) => Self::BackendUnavailable(source),
            StoreError::Inconsistent(what) => Self::Internal(format!("a stored row is inconsistent: {what}")),
        }
    }
}

impl From<CryptoError> for BrokerError {
    fn from(error: CryptoError) -> Self {
        match error {
            CryptoError::Unavailable(_) => Self::BackendUnavailable(Box::new(error)),
            CryptoError::Exhausted(_) => Self::KeysExhausted,
            other => Self::Internal(other.to_string()),
        }
    }
}
