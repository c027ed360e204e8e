//! Why the service gave no result, told apart for whoever operates it.

use std::path::PathBuf;

use broker_egress::Cause;

/// Why there is no result. No text carries anything of a token, a header or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection, no answer in time, or none that is HTTP.
    #[error("it does not answer: {0}")]
    NoAnswer(#[from] Cause),
    /// The file of the token cannot be read.
    #[error("the token file {} cannot be read: {problem}; whoever writes it must let this user read it", path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
        /// What is wrong, without its content.
        problem: String,
    },
    /// 403 to a login.
    #[error("it refuses the login (status {0}): check the role, the service account and the auth mount")]
    LoginRefused(u16),
    /// 403.
    #[error(
        "it refuses the token (403): the token has expired or was revoked, or its policy lacks read on keys/NAME, and \
         update on encrypt/NAME and decrypt/NAME"
    )]
    Denied,
    /// 404, or 400 that says that there is no such key.
    #[error("it has no such key (404): check mount, key and namespace")]
    NoKey,
    /// 503.
    #[error("it is sealed, or has no active node (503)")]
    Sealed,
    /// 429.
    #[error("it throttles the broker (429): raise its rate limit quota")]
    Throttled,
    /// A redirect, 472 or 473: a node that does not do the work itself.
    #[error(
        "a node answers that does not serve (status {0}): let url name the active one; redirects are not followed"
    )]
    Standby(u16),
    /// 400 for another reason.
    #[error("it refuses the request (400)")]
    Refused,
    /// Any other status.
    #[error("it fails (status {0})")]
    Failed(u16),
    /// The answer cannot be read.
    #[error("its answer cannot be read: {0}")]
    Unreadable(&'static str),
    /// The key cannot wrap data keys.
    #[error("its key does not fit: {0}")]
    Unfit(&'static str),
    /// The ciphertext was not made by this key for this place.
    #[error("the ciphertext does not open under this key at this place")]
    DoesNotOpen,
    /// The version of the key is below `min_decryption_version`, or was never made.
    #[error("the key has no such version any more: it is below min_decryption_version, or was trimmed")]
    NoVersion,
}

impl Failure {
    /// What an answer to a request about the key means, other than 200 and 204.
    pub(crate) fn of_answer(status: u16, body: &[u8]) -> Self {
        match status {
            400 => Self::of_bad_request(body),
            403 => Self::Denied,
            404 => Self::NoKey,
            429 => Self::Throttled,
            503 => Self::Sealed,
            300..=399 | 472 | 473 => Self::Standby(status),
            other => Self::Failed(other),
        }
    }

    /// Known words are looked for, and nothing else of the body is used.
    fn of_bad_request(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let says = |words: &str| text.contains(words);
        if says("message authentication failed") {
            Self::DoesNotOpen
        } else if says("disallowed by policy (too old)") || says("version is too new") {
            Self::NoVersion
        } else if says("key not found") || says("policy not found") {
            Self::NoKey
        } else {
            Self::Refused
        }
    }

    /// Whether it is the fault of what was asked, not of who was asked.
    pub(crate) fn is_of_ciphertext(&self) -> bool {
        matches!(self, Self::DoesNotOpen | Self::NoVersion)
    }

    /// Whether somebody must change something before it can be otherwise.
    pub(crate) fn is_lasting(&self) -> bool {
        matches!(self, Self::LoginRefused(_) | Self::Denied | Self::NoKey | Self::Refused | Self::Unfit(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        for (status, body, failure) in [
            (403, r#"{"errors":["permission denied"]}"#, Failure::Denied),
            (404, r#"{"errors":[]}"#, Failure::NoKey),
            (400, r#"{"errors":["encryption key not found"]}"#, Failure::NoKey),
            (400, r#"{"errors":["cipher: message authentication failed"]}"#, Failure::DoesNotOpen),
            (
                400,
                r#"{"errors":["ciphertext or signature version is disallowed by policy (too old)"]}"#,
                Failure::NoVersion,
            ),
            (400, r#"{"errors":["invalid ciphertext: version is too new"]}"#, Failure::NoVersion),
            (400, r#"{"errors":["missing ciphertext to decrypt"]}"#, Failure::Refused),
            (503, r#"{"errors":["Vault is sealed"]}"#, Failure::Sealed),
            (429, "", Failure::Throttled),
            (307, "", Failure::Standby(307)),
            (473, "", Failure::Standby(473)),
            (500, r#"{"errors":["internal error"]}"#, Failure::Failed(500)),
        ] {
            assert_eq!(Failure::of_answer(status, body.as_bytes()), failure, "{status} {body}");
        }
    }
}
