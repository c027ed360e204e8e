//! Secrets go to files that only their owner reads, or to standard output where that is asked for.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::output::Output;

/// Where a secret will go. Made before the broker is asked for it: it is shown only once.
pub(crate) enum SecretOutput {
    /// A new file.
    File(PathBuf, File),
    /// Standard output.
    Stdout,
}

impl SecretOutput {
    /// `-` is standard output. A file must not be there yet.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file =
            options.open(path).map_err(|error| Failure::Unwritable { path: path.to_owned(), error })?;
        Ok(Self::File(path.to_owned(), file))
    }

    /// Writes the secret and a line end.
    pub(crate) fn write(self, secret: &str, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Stdout => output.text(&format!("{secret}\n")),
            Self::File(path, mut file) => {
                let written = writeln!(file, "{secret}").and_then(|()| file.sync_all());
                written.map_err(|error| Failure::Unwritable { path, error })
            }
        }
    }

    /// What was opened and is not needed, because the broker refused.
    pub(crate) fn discard(self) {
        if let Self::File(path, file) = self {
            drop(file);
            // It is empty: who finds it there has lost nothing.
            let _ = std::fs::remove_file(path);
        }
    }
}
