//! How the broker gets a token of the service.

use std::path::{Path, PathBuf};

use crate::Invalid;
use crate::address::path;
use crate::name::is_path_segment;

/// How the broker gets a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// Somebody keeps a token in this file, such as an agent. It is read at each call.
    TokenFile(PathBuf),
    /// By the token of a Kubernetes service account.
    Kubernetes(KubernetesLogin),
}

/// The Kubernetes auth method, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesLogin {
    role: String,
    auth_mount: String,
    token_file: PathBuf,
}

impl KubernetesLogin {
    /// Checks every part and answers all that is wrong. `token_file` holds the service account's token.
    pub fn new(role: &str, auth_mount: &str, token_file: PathBuf) -> Result<Self, Vec<Invalid>> {
        let mut problems = Vec::new();
        if !is_path_segment(role) {
            problems.push(Invalid { field: "role", problem: "must be of A-Z a-z 0-9 . _ -".to_owned() });
        }
        match path("auth_mount", auth_mount) {
            Ok(auth_mount) if problems.is_empty() => {
                Ok(Self { role: role.to_owned(), auth_mount, token_file })
            }
            checked => {
                problems.extend(checked.err());
                Err(problems)
            }
        }
    }

    pub(crate) fn role(&self) -> &str {
        &self.role
    }

    pub(crate) fn auth_mount(&self) -> &str {
        &self.auth_mount
    }

    pub(crate) fn token_file(&self) -> &Path {
        &self.token_file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_named_at_once() {
        let fields = |role, mount| {
            let login = KubernetesLogin::new(role, mount, "/token".into());
            login.err().unwrap_or_default().iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(fields("broker", "kubernetes/prod"), [""; 0]);
        assert_eq!(fields("", "a b"), ["role", "auth_mount"]);
        assert_eq!(fields("a/b", "kubernetes"), ["role"]);
    }
}
