//! What the server asks of a provider.

use hyper::StatusCode;

use crate::journal::Endpoint;
use crate::message::{Reply, Request};
use crate::realm::{Realm, Trace};

/// One simulated provider. Its methods neither wait nor see faults.
pub(crate) trait Provider: Send + Sync + 'static {
    fn realm(&self) -> &Realm;

    /// Which endpoint the request is for.
    fn endpoint(&self, request: &Request) -> Endpoint;

    /// What the request says of itself, proven or not.
    fn facts(&self, endpoint: Endpoint, request: &Request) -> Facts;

    /// Carries the request out.
    fn answer(&self, endpoint: Endpoint, request: &Request) -> Answer;

    /// The provider's own error body for a status, for faults.
    fn own_error(&self, endpoint: Endpoint, request: &Request, status: StatusCode) -> Reply;
}

/// What a request says of itself.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) client_id: Option<String>,
    pub(crate) grant_type: Option<String>,
    /// The value that may be a refresh token.
    pub(crate) token: Option<String>,
}

/// A reply and what stands behind it.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// Whether the request was carried out.
    pub(crate) committed: bool,
    pub(crate) trace: Trace,
}

impl Answer {
    /// The request was carried out.
    pub(crate) const fn done(reply: Reply, trace: Trace) -> Self {
        Self { reply, committed: true, trace }
    }

    /// The request was refused or needs another step.
    pub(crate) fn unchanged(reply: Reply) -> Self {
        Self { reply, committed: false, trace: Trace::default() }
    }
}

impl From<Result<Self, Reply>> for Answer {
    fn from(result: Result<Self, Reply>) -> Self {
        result.unwrap_or_else(Self::unchanged)
    }
}

/// The error code for a status that a fault asked for.
pub(crate) fn code_for(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "invalid_client",
        429 => "too_many_requests",
        503 => "temporarily_unavailable",
        400..=499 => "invalid_request",
        _ => "server_error",
    }
}
