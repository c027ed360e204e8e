//! Domain errors as gRPC statuses.

mod row;
mod table;
mod words;

use std::sync::Arc;

use broker_core::{BrokerError, GrantKey};
use broker_crypto::Entropy;
use broker_proto::v1::Reason;
use tonic::{Code, Response, Status};

use self::row::{Row, encode};
use self::table::row;
use crate::config::ReconsentUrl;

/// Makes statuses of errors. What a driver said goes to the log, never to the client.
#[derive(Clone)]
pub(super) struct Statuses {
    entropy: Arc<dyn Entropy>,
    reconsent: Option<ReconsentUrl>,
}

impl Statuses {
    /// Incidents are numbered by `entropy`. Where only the user can help, `reconsent` says where the user can.
    pub(super) fn new(entropy: Arc<dyn Entropy>, reconsent: Option<ReconsentUrl>) -> Self {
        Self { entropy, reconsent }
    }

    /// A use case's result as a call's.
    pub(super) fn answer<T>(&self, result: Result<T, BrokerError>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| self.of(&error))
    }

    /// The status of an error.
    pub(super) fn of(&self, error: &BrokerError) -> Status {
        self.about(error, None)
    }

    /// The status of an error in a call about that grant.
    pub(super) fn about(&self, error: &BrokerError, key: Option<&GrantKey>) -> Status {
        match error {
            BrokerError::Internal(what) => {
                let incident = self.incident();
                tracing::error!(incident, what, "a request failed by our fault");
                encode(row(error).with("incident", incident))
            }
            BrokerError::BackendUnavailable(source) => {
                tracing::error!(error = %source, "a request failed because a backend did not answer");
                encode(row(error))
            }
            other => {
                tracing::debug!(error = %other, "a request was refused");
                encode(row(error).reconsent_at(self.reconsent_at(error, key)))
            }
        }
    }

    /// Where the user consents again, if nothing else helps.
    fn reconsent_at(&self, error: &BrokerError, key: Option<&GrantKey>) -> Option<String> {
        match error {
            BrokerError::ConsentRequired(_) | BrokerError::GrantExpired { .. } => {
                self.reconsent.as_ref()?.of(key)
            }
            _ => None,
        }
    }

    /// What the answer and the log line of one failure have in common.
    fn incident(&self) -> String {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        format!("{:016x}", u64::from_be_bytes(bytes))
    }
}

/// What went wrong, as the contract names it.
pub(in crate::grpc) fn reason(error: &BrokerError) -> Reason {
    row(error).reason()
}

/// The status for a caller nobody knows. Why that is so is logged elsewhere.
pub(crate) fn caller_unknown() -> Status {
    encode(row(&BrokerError::CallerUnknown))
}

/// The status for a caller whose issuer's keys cannot be read: who it is may be known again soon.
pub(crate) fn issuer_unavailable() -> Status {
    encode(row(&BrokerError::BackendUnavailable("the issuer of the caller's token".into())))
}

/// The status of a call that panicked. What and where is in the log.
pub(super) fn panicked() -> Status {
    let told = "the broker failed and has logged where; trying again may or may not help";
    encode(Row::new(Code::Internal, Reason::Internal, told))
}

#[cfg(test)]
mod tests;
