//! Who holds the key encryption keys: this process, which reads them from somewhere, or a service.

mod directory;
mod door;
mod provider;
mod watch;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use broker_crypto::{Entropy, KeyRing, sha256};
use zeroize::Zeroizing;

use crate::config::SecretText;

pub(crate) use self::door::KeyDoor;
pub(crate) use self::provider::KeyProvider;
pub(crate) use self::watch::KeyWatch;

/// A place of key material.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file, newest key first.
    File(PathBuf),
    /// A directory with a file for each key, as Kubernetes mounts a secret.
    Directory {
        /// The directory.
        path: PathBuf,
        /// The key that wraps, where the configuration names it.
        primary: Option<String>,
    },
    /// The configuration itself, meant for the environment.
    Inline(SecretText),
}

/// Keys as they were read at one time.
pub(crate) struct Reading {
    pub(crate) ring: KeyRing,
    /// Of the material: two readings with one digest hold the same keys.
    pub(crate) digest: [u8; 32],
}

impl KeySource {
    /// Reads the keys. The error names the place and quotes nothing of the material.
    pub(crate) fn read(&self, entropy: Arc<dyn Entropy>) -> Result<Reading, String> {
        let told = |problem: &dyn std::fmt::Display| format!("[keys] {}: {problem}", self.place());
        let material = self.material().map_err(|problem| told(&problem))?;
        let ring = KeyRing::parse(&material, entropy).map_err(|error| told(&error))?;
        Ok(Reading { ring, digest: sha256(material.as_bytes()) })
    }

    fn material(&self) -> Result<Zeroizing<String>, String> {
        match self {
            Self::File(path) => {
                std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| error.to_string())
            }
            Self::Directory { path, primary } => directory::read(path, primary.as_deref()),
            Self::Inline(material) => Ok(Zeroizing::new(material.expose().to_owned())),
        }
    }

    /// The key file, if others than its owner may read it.
    pub fn exposed_file(&self) -> Option<&Path> {
        let Self::File(path) = self else { return None };
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o044 != 0).then_some(path)
    }

    /// The place, for texts.
    pub fn place(&self) -> String {
        match self {
            Self::File(path) => format!("kek_file {}", path.display()),
            Self::Directory { path, .. } => format!("kek_dir {}", path.display()),
            Self::Inline(_) => "kek".to_owned(),
        }
    }
}
