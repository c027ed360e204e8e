//! The id of a journal: stays with the directory, whichever process runs on it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::{fmt, str};

use broker_crypto::Entropy;

use crate::OpenError;

/// Id of a journal, 128 random bits. The store notes which run wrote to which journal by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EscrowId([u8; 16]);

impl EscrowId {
    /// The 16 bytes a store keeps.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the directory's id, or gives it one.
    pub(crate) fn of_directory(directory: &Path, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        let path = directory.join("escrow_id");
        match fs::read(&path) {
            Ok(text) => Self::parse(&text).ok_or(OpenError::BadId { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; 16];
                entropy.fill(&mut bytes);
                Self(bytes).write(directory, &path).map_err(OpenError::io(&path))?;
                Ok(Self(bytes))
            }
            Err(source) => Err(OpenError::Io { path, source }),
        }
    }

    /// Renames a finished file into place: a crash leaves no half of an id.
    fn write(self, directory: &Path, path: &Path) -> io::Result<()> {
        let draft = directory.join("escrow_id.draft");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(self.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(draft, path)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?.trim_ascii();
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u128::from_str_radix(text, 16).ok())?.map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for EscrowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}
