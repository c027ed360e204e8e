//! Why there is no answer. No text here carries anything of a URL, header or body.

use std::error::Error;
use std::io;

use crate::UrlRefused;

/// No answer to a [`crate::OneShot`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// Provably nothing of the body was written.
    #[error("{0}")]
    Unsent(Cause),
    /// The server may have acted on the request.
    #[error("{0}")]
    Lost(Cause),
}

impl EgressError {
    /// What went wrong.
    pub fn cause(&self) -> &Cause {
        match self {
            Self::Unsent(cause) | Self::Lost(cause) => cause,
        }
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The URL may not be called.
    #[error(transparent)]
    Url(#[from] UrlRefused),
    /// The request cannot be formed.
    #[error("the request is not well-formed: {0}")]
    Request(&'static str),
    /// DNS, TCP or TLS failed.
    #[error("no connection: {0}")]
    Connect(String),
    /// Time was up.
    #[error("timed out")]
    Timeout,
    /// The gate refused.
    #[error("not permitted to send")]
    GateRefused,
    /// The gate agreed too late, or not at all.
    #[error("permission to send came too late")]
    GateLate,
    /// The caller gave up.
    #[error("the call was abandoned")]
    Abandoned,
    /// The server answered before the body was written.
    #[error("answered before the request was sent")]
    AnsweredEarly,
    /// The connection broke, or what came was no HTTP.
    #[error("the connection failed: {0}")]
    Broken(String),
    /// The answer is longer than [`crate::EgressConfig::max_body`].
    #[error("the answer is too long")]
    TooLong,
}

impl Cause {
    /// One word for it, of a closed set.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Url(UrlRefused::ForbiddenAddress) => "forbidden_address",
            Self::Url(_) | Self::Request(_) => "bad_request",
            Self::Connect(_) => "no_connection",
            Self::Timeout => "timeout",
            Self::GateRefused | Self::GateLate => "not_permitted",
            Self::Abandoned => "abandoned",
            Self::AnsweredEarly => "answered_early",
            Self::Broken(_) => "broken",
            Self::TooLong => "too_long",
        }
    }

    /// What of a client error may be told. Its own text is not: it names the URL.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        match error.is_connect() {
            true => Self::Connect(connect_detail(error)),
            false => Self::Broken(broken_detail(error)),
        }
    }
}

/// The innermost text: while connecting there is no request yet that it could quote.
fn connect_detail(error: &reqwest::Error) -> String {
    chain(error).last().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

/// The kind of I/O error alone: the text of others may quote what came off the wire.
fn broken_detail(error: &reqwest::Error) -> String {
    let io = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    io.map_or_else(|| "closed, or not HTTP".to_owned(), |io| io.kind().to_string())
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// Why the door to outgoing HTTP could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum EgressSetupError {
    /// The extra roots are not PEM certificates.
    #[error("the extra root certificates cannot be read: {0}; give a PEM file of CA certificates")]
    ExtraRoots(String),
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client could not be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}
