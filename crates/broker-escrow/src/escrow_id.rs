//! The id of a journal: stays with the directory, whichever process runs on it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use broker_core::EscrowId;
use broker_crypto::Entropy;

use crate::OpenError;

/// Reads the directory's id, or gives it one.
pub(crate) fn of_directory(directory: &Path, entropy: &dyn Entropy) -> Result<EscrowId, OpenError> {
    let path = path_in(directory);
    match fs::read_to_string(&path) {
        Ok(text) => EscrowId::parse(text.trim_ascii()).ok_or(OpenError::BadId { path }),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(OpenError::BadId { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = draw(entropy);
            write(id, directory, &path).map_err(OpenError::io(&path))?;
            Ok(id)
        }
        Err(source) => Err(OpenError::Io { path, source }),
    }
}

/// The directory's id, if it can be read.
pub(crate) fn peek(directory: &Path) -> Option<EscrowId> {
    EscrowId::parse(fs::read_to_string(path_in(directory)).ok()?.trim_ascii())
}

fn path_in(directory: &Path) -> PathBuf {
    directory.join("escrow_id")
}

/// A random UUID (version 4, RFC 9562 §5.4).
fn draw(entropy: &dyn Entropy) -> EscrowId {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    EscrowId::from_bytes(bytes)
}

/// Renames a finished file into place: a crash leaves no half of an id.
fn write(id: EscrowId, directory: &Path, path: &Path) -> io::Result<()> {
    let draft = directory.join("escrow_id.draft");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(id.to_string().as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    crate::directory::sync(directory)
}
