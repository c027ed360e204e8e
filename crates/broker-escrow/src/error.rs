//! Why a journal could not be opened or used.

use std::io;
use std::path::{Path, PathBuf};

use broker_core::ports::EscrowError;

/// Why the journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or this one, has it open.
    #[error(
        "the escrow directory {} is in use by another token-broker: stop the other one, or give this one a \
         directory of its own",
        directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// Its id cannot be read.
    #[error(
        "{} does not hold an escrow id: restore it, or empty the directory once no response in it is needed",
        path.display()
    )]
    BadId {
        /// The file.
        path: PathBuf,
    },
    /// The limits leave no room to work in.
    #[error(
        "the escrow may not grow large enough: allow it at least four segments and 4 MiB in all, 8 MiB will do"
    )]
    TooSmall,
    /// The directory or a file in it could not be created or read.
    #[error("{} cannot be used: check that this user may write there and that the disk is not full", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Why a journal could not be inspected.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read: name a directory of escrowed responses that this user may read", path.display())]
pub struct InspectError {
    /// The file or directory.
    pub path: PathBuf,
    /// The cause.
    #[source]
    pub source: io::Error,
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// A failure in use, by what was being done.
pub(crate) fn failed(what: &str) -> impl FnOnce(io::Error) -> EscrowError {
    let problem = what.to_owned();
    move |source| EscrowError { problem, source: Some(source) }
}
