//! `keys generate` and reading key material.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use broker_crypto::{Entropy, KekId, KeyEncryptionKey};

/// Writes a fresh key encryption key to `out` (which must not exist), or to stdout.
pub(crate) fn generate(kid: &str, out: Option<&Path>, entropy: &dyn Entropy) -> anyhow::Result<()> {
    let id = KekId::new(kid).context("the kid must be 1 to 64 characters of A-Z a-z 0-9 . _ -")?;
    let material = KeyEncryptionKey::generate_material(&id, entropy);
    match out {
        Some(path) => write_new(path, material.as_bytes()),
        None => Ok(writeln!(std::io::stdout(), "{}", *material)?),
    }
}

/// Readable by this user alone, and never over an existing key: that would lose every grant sealed under it.
pub(crate) fn write_new(path: &Path, material: &[u8]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            anyhow!("{} exists already; an existing key is never overwritten", path.display())
        }
        _ => anyhow!(error).context(format!("cannot create {}", path.display())),
    })?;
    file.write_all(material)?;
    file.write_all(b"\n")?;
    Ok(file.sync_all()?)
}
