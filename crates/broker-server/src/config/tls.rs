//! `[tls]`: the certificate of the gRPC listener.

use std::path::{Path, PathBuf};
use std::time::Duration;

use broker_core::Timestamp;
use serde::Deserialize;

use super::rotation::too_long;
use super::{AuthMode, Config};
use crate::auth::ServerCertificate;

/// `[tls]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The server's certificate (PEM) and those between it and its authority.
    pub cert_file: Option<PathBuf>,
    /// The certificate's private key (PEM).
    pub key_file: Option<PathBuf>,
    /// After how long a connection is ended in order, so that its client shows its certificate anew.
    #[serde(with = "humantime_serde")]
    pub max_connection_age: Duration,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self { cert_file: None, key_file: None, max_connection_age: Duration::from_secs(600) }
    }
}

impl TlsConfig {
    /// The files of certificate and key.
    pub(crate) fn files(&self) -> Result<[&Path; 2], String> {
        match (&self.cert_file, &self.key_file) {
            (Some(certificate), Some(key)) => Ok([certificate, key]),
            _ => Err(
                "[tls] cert_file and key_file must be set: outside [auth] mode = \"dev\" nothing is said in \
                      plaintext"
                    .to_owned(),
            ),
        }
    }
}

impl Config {
    /// Every problem of `[tls]`, with its key.
    pub(super) fn tls_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let age = self.tls.max_connection_age;
        let zero = age.is_zero().then(|| "must be longer than zero".to_owned());
        problems.extend(zero.or(too_long(age)).map(|problem| format!("[tls] max_connection_age {problem}")));
        match (self.auth.mode, self.tls.cert_file.is_some() || self.tls.key_file.is_some()) {
            (AuthMode::Dev, true) => problems.push(
                "[tls] cert_file and key_file have no effect in mode \"dev\"; take them out or change [auth] mode"
                    .to_owned(),
            ),
            (AuthMode::Dev, false) => {}
            (AuthMode::Mtls | AuthMode::Jwt, _) => problems.extend(self.server_certificate().err()),
        }
        problems
    }

    /// After how long a connection is ended in order.
    pub(crate) fn connection_age(&self) -> Duration {
        match self.auth.mode {
            AuthMode::Dev => self.limits.connection_age,
            AuthMode::Mtls | AuthMode::Jwt => self.limits.connection_age.min(self.tls.max_connection_age),
        }
    }

    /// What is no reason not to start, and yet wrong at `now`.
    pub(crate) fn warnings(&self, now: Timestamp) -> Vec<String> {
        let certificate = match self.auth.mode {
            AuthMode::Dev => None,
            AuthMode::Mtls | AuthMode::Jwt => self.server_certificate().ok(),
        };
        let warning = certificate.and_then(|certificate| certificate.warning(now));
        warning.map(|warning| format!("[tls] cert_file: {warning}")).into_iter().collect()
    }

    /// The certificate of the gRPC listener.
    fn server_certificate(&self) -> Result<ServerCertificate, String> {
        let [certificate, key] = self.tls.files()?;
        ServerCertificate::open(certificate, key).map_err(|problem| format!("[tls] {problem}"))
    }
}
