//! What can go wrong with Redis, in words of our own: the driver's may repeat what was sent.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("Redis was not reached yet")]
    NotYet,
    #[error("Redis failed a moment ago and is left alone for a while")]
    Resting,
    #[error("Redis did not answer in time: check its load and the network")]
    Timeout,
    #[error("Redis cannot be reached: check that it runs and that the address is right")]
    Unreachable,
    #[error(
        "no TLS connection to Redis: check the CA file, and that the server's certificate names its host and is valid"
    )]
    Tls,
    #[error("Redis refused the login: check user and password")]
    Login,
    #[error(
        "Redis forbids its user a command, key or channel that is needed: compare its ACL with the documented one"
    )]
    Forbidden,
    #[error("Redis takes no writes at present: it is loading, or a replica")]
    NotReady,
    #[error("Redis gave an answer that makes no sense")]
    Answer,
}

impl Problem {
    /// A short name, for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotYet => "not_connected",
            Self::Resting => "resting",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::Forbidden => "forbidden",
            Self::NotReady => "not_ready",
            Self::Answer => "answer",
        }
    }
}

impl From<RedisError> for Problem {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io if error.is_timeout() => Self::Timeout,
            ErrorKind::Io if is_tls(&error) => Self::Tls,
            ErrorKind::Io => Self::Unreachable,
            ErrorKind::AuthenticationFailed => Self::Login,
            ErrorKind::Server(kind) => of_server(kind),
            _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) => Self::Login,
            _ => Self::Answer,
        }
    }
}

fn of_server(kind: ServerErrorKind) -> Problem {
    match kind {
        ServerErrorKind::NoPerm => Problem::Forbidden,
        ServerErrorKind::ReadOnly
        | ServerErrorKind::BusyLoading
        | ServerErrorKind::MasterDown
        | ServerErrorKind::ClusterDown => Problem::NotReady,
        _ => Problem::Answer,
    }
}

/// A failed handshake comes as an I/O error whose data are invalid. The driver hands its causes out shared.
fn is_tls(error: &RedisError) -> bool {
    let shared = error.source().and_then(|source| source.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    let io = shared.and_then(|shared| shared.downcast_ref::<io::Error>());
    io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_driver_says_is_not_repeated() {
        let echo = "with args beginning with: 'AUTH' 'hunter2'".to_owned();
        let error = RedisError::from((ErrorKind::Client, "unknown command", echo));
        assert!(error.to_string().contains("hunter2"));
        let problem = Problem::from(error);
        assert_eq!(problem, Problem::Answer);
        assert!(!format!("{problem} {problem:?}").contains("hunter2"));
    }
}
