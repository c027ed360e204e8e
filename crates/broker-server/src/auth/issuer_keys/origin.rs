//! Where an issuer's keys are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use broker_crypto::jwt::JwkSet;
use broker_egress::{CallTimes, Egress, EgressConfig};
use url::Url;
use zeroize::Zeroizing;

/// Longest document, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;

/// Longest wait for the issuer.
const FETCH_WITHIN: Duration = Duration::from_secs(5);

/// Where an issuer's keys are.
pub(crate) enum KeyOrigin {
    /// In a file.
    File(PathBuf),
    /// At a URL.
    Url(Box<Remote>),
}

/// A URL and what it takes to read it.
pub(crate) struct Remote {
    url: Url,
    egress: Egress,
    token_file: Option<PathBuf>,
}

impl KeyOrigin {
    /// A URL, for which the certificates in `ca_file` are trusted as well, and to which the token in `token_file` is shown.
    pub(crate) fn url(url: Url, ca_file: Option<&Path>, token_file: Option<PathBuf>) -> Result<Self, String> {
        let told = |path: &Path, problem: &dyn std::fmt::Display| {
            format!("jwks_ca_file {}: {problem}", path.display())
        };
        let roots =
            ca_file.map(|path| std::fs::read(path).map_err(|error| told(path, &error))).transpose()?;
        let config = EgressConfig {
            total_timeout: FETCH_WITHIN,
            max_body: MAX_DOCUMENT,
            extra_roots_pem: roots,
            ..EgressConfig::default()
        };
        let egress = Egress::new(config).map_err(|error| match ca_file {
            Some(path) => told(path, &error),
            None => format!("jwks_url cannot be called: {error}"),
        })?;
        Ok(Self::Url(Box::new(Remote { url, egress, token_file })))
    }

    /// The same, whose reads over the network are counted there.
    pub(crate) fn counted_in(self, calls: &Arc<CallTimes>) -> Self {
        match self {
            Self::File(path) => Self::File(path),
            Self::Url(remote) => {
                let Remote { url, egress, token_file } = *remote;
                let egress = egress.counted_in(calls.clone());
                Self::Url(Box::new(Remote { url, egress, token_file }))
            }
        }
    }

    /// What shows without the network.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::File(path) => {
                let document = std::fs::read(path).map_err(|error| in_file(path, error))?;
                JwkSet::parse(&document).map_err(|error| in_file(path, error))?;
            }
            Self::Url(remote) => {
                remote.token_file.as_deref().map(bearer).transpose()?;
            }
        }
        Ok(())
    }

    /// The document.
    pub(super) async fn read(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::File(path) => tokio::fs::read(path).await.map_err(|error| in_file(path, error)),
            Self::Url(remote) => remote.read().await,
        }
    }
}

fn in_file(path: &Path, problem: impl std::fmt::Display) -> String {
    format!("jwks_file {}: {problem}", path.display())
}

/// The file is read at each use: such tokens are replaced every hour.
fn bearer(path: &Path) -> Result<Zeroizing<String>, String> {
    let token = std::fs::read_to_string(path).map(Zeroizing::new);
    let token = token.map_err(|error| format!("jwks_token_file {}: {error}", path.display()))?;
    match token.trim() {
        "" => Err(format!("jwks_token_file {}: is empty", path.display())),
        token => Ok(Zeroizing::new(format!("Bearer {token}"))),
    }
}

impl Remote {
    async fn read(&self) -> Result<Vec<u8>, String> {
        let authorization = self.token_file.as_deref().map(bearer).transpose()?;
        let document = self.egress.fetch(&self.url, authorization).await;
        document.map(|document| document.to_vec()).map_err(|error| format!("jwks_url: {error}"))
    }
}
