//! Why a command failed.

use std::io;
use std::path::PathBuf;

use broker_proto::error::BrokerError;
use broker_proto::json::JsonError;
use tonic::Status;

use crate::exit::Exit;

/// Why a command failed. The text says what happened; `next_step` says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line does not make sense.
    #[error("{0}")]
    Usage(String),
    /// A file named on the command line, or standard input, cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    /// A file for a secret cannot be written. One that is there is left as it is.
    #[error("cannot write {}: {error}", path.display())]
    Unwritable { path: PathBuf, error: io::Error },
    /// The broker, or the way to it, answered an error.
    #[error("{}", what_happened(.0))]
    Broker(Box<BrokerError>),
    /// The broker answers and does not serve.
    #[error("the broker is not serving")]
    NotServing,
    /// The provider rejects every secret of a client.
    #[error("the provider accepts no secret of this registration")]
    ClientRejected,
    /// The provider said nothing from which one could tell whether it accepts a client.
    #[error("the provider was not reached, or its answers allow no conclusion")]
    NoVerdict,
    /// A rotation of keys has ended with values left under old keys.
    #[error("{0} values or keys do not open and were left as they are; the old keys must stay")]
    RotationFailed(i64),
    /// Audit logs were changed behind the broker's back.
    #[error("{0} audit logs do not hold: somebody has changed the store; keep it as it is, and find out who")]
    AuditBroken(usize),
    /// The user refused.
    #[error("the user refused")]
    AuthorizationDenied,
    /// The user did not answer in time.
    #[error("nobody entered the code in time")]
    AuthorizationExpired,
    /// The authorization failed.
    #[error("the authorization failed: {0}")]
    AuthorizationFailed(String),
    /// The wait was ended by a signal.
    #[error("interrupted; the authorization goes on: see `brokerctl consent status --authorization {0}`")]
    Interrupted(String),
    /// The answer lacks what the contract promises.
    #[error("the broker's answer has no {0}: is it of another version?")]
    Incomplete(&'static str),
    /// The answer has no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The answer cannot be printed.
    #[error("cannot print the answer: {0}")]
    Print(#[from] io::Error),
}

impl Failure {
    /// The exit code of the process.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Unreadable { .. } | Self::Unwritable { .. } => Exit::Usage,
            Self::Broker(error) => error.code().into(),
            Self::NotServing | Self::NoVerdict => Exit::Unavailable,
            Self::AuditBroken(_) => Exit::Broken,
            Self::AuthorizationDenied => Exit::AuthorizationDenied,
            Self::AuthorizationExpired => Exit::AuthorizationExpired,
            Self::AuthorizationFailed(_) => Exit::AuthorizationFailed,
            Self::Interrupted(_) => Exit::Interrupted,
            Self::ClientRejected | Self::RotationFailed(_) => Exit::FailedPrecondition,
            // The reader closed its end on purpose (`| head`).
            Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Incomplete(_) | Self::Json(_) | Self::Print(_) => Exit::Internal,
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Broker(Box::new(BrokerError::from_status(&status)))
    }
}

fn what_happened(error: &BrokerError) -> String {
    match error.message() {
        "" => format!("the broker answered {:?}", error.code()),
        message => message.to_owned(),
    }
}
