//! What the exit code of the process means.

use std::process::ExitCode;

use tonic::Code;

/// Outcome of a command, for scripts. Documented in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Ok = 0,
    Internal = 1,
    Usage = 2,
    NotFound = 3,
    FailedPrecondition = 4,
    Unavailable = 5,
    Denied = 6,
    InvalidArgument = 7,
    Conflict = 8,
    Broken = 9,
    AuthorizationDenied = 10,
    AuthorizationExpired = 11,
    AuthorizationFailed = 12,
    Interrupted = 130,
}

impl From<Code> for Exit {
    fn from(code: Code) -> Self {
        match code {
            Code::Ok => Self::Ok,
            Code::NotFound => Self::NotFound,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled => {
                Self::Unavailable
            }
            Code::Unauthenticated | Code::PermissionDenied => Self::Denied,
            Code::InvalidArgument | Code::OutOfRange => Self::InvalidArgument,
            Code::AlreadyExists | Code::Aborted => Self::Conflict,
            Code::Unknown | Code::Internal | Code::DataLoss | Code::Unimplemented => Self::Internal,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
