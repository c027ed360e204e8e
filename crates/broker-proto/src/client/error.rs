//! What can go wrong.

use std::sync::Arc;

use tonic::{Code, Status};

use crate::error::BrokerError;

/// Why there is no token. Those who waited for the same answer share the error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// The broker, or the way to it, answered an error.
    #[error("{0}")]
    Broker(#[source] Arc<BrokerError>),
    /// The broker's answer cannot be used.
    #[error("the broker's answer cannot be used: {0}")]
    Unusable(&'static str),
}

impl TokenError {
    /// What the broker said, where it did.
    #[must_use]
    pub fn broker(&self) -> Option<&BrokerError> {
        match self {
            Self::Broker(error) => Some(error),
            Self::Unusable(_) => None,
        }
    }

    /// Whether the broker decided that there is no token: a held one is no longer served. Otherwise it could not say.
    pub(super) fn is_refusal(&self) -> bool {
        let refusals = [
            Code::InvalidArgument,
            Code::NotFound,
            Code::PermissionDenied,
            Code::FailedPrecondition,
            Code::Unauthenticated,
        ];
        self.broker().is_some_and(|error| refusals.contains(&error.code()))
    }
}

impl From<Status> for TokenError {
    fn from(status: Status) -> Self {
        Self::Broker(Arc::new(BrokerError::from_status(&status)))
    }
}

/// Why a request through [`WithToken`](super::WithToken) has no response.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// There was no token; the request was not sent.
    #[error("no token for the request: {0}")]
    Token(#[source] TokenError),
    /// The service that sends requests failed.
    #[error(transparent)]
    Service(E),
}
