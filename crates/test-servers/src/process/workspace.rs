//! The temporary directory of one server.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Account;

/// An empty directory that belongs to the user who runs the server. The keeper removes it.
pub(crate) struct Workspace {
    pub(super) directory: PathBuf,
    account: Option<Account>,
}

impl Workspace {
    /// A new one for this user; `None` is ourselves.
    pub(crate) fn new(account: Option<Account>) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("test-servers-")
            .tempdir()
            .context("cannot make a temporary directory")?;
        if let Some(Account { uid, gid }) = account {
            chown(directory.path(), Some(uid), Some(gid)).context("cannot give a directory to `nobody`")?;
        }
        Ok(Self { directory: directory.keep(), account })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Who runs the server; `None` is ourselves.
    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }
}
