//! The file of key encryption keys that brokers read again while they run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use broker_e2e::Client;
use broker_proto::v1::KeyState;

use super::keys;
use crate::BINARY;

pub(super) struct KekFile {
    path: PathBuf,
    pub(super) old: String,
    old_line: String,
    new_line: String,
}

pub(super) const NEW: &str = "kek-new";

impl KekFile {
    /// The file as it is, and a new key that is not in it yet.
    pub(super) fn at(path: &Path) -> Self {
        let old_line = fs::read_to_string(path).unwrap().trim().to_owned();
        let made = path.with_extension("new");
        let status =
            Command::new(BINARY).args(["keys", "generate", "--kid", NEW, "--out"]).arg(&made).status();
        assert!(status.unwrap().success());
        let new_line = fs::read_to_string(&made).unwrap().trim().to_owned();
        let old = old_line.split(':').next().unwrap().to_owned();
        Self { path: path.to_owned(), old, old_line, new_line }
    }

    /// Adds the new key behind the old one, then puts it first, as docs/keys.md says.
    pub(super) async fn bring_in(&self, replicas: &[Client]) {
        self.write(&[&self.old_line, &self.new_line]);
        keys::until_kek(replicas, NEW, KeyState::Opening).await;
        self.write(&[&self.new_line, &self.old_line]);
        keys::until_kek(replicas, NEW, KeyState::Primary).await;
    }

    /// The old key is gone.
    pub(super) fn keep_new_only(&self) {
        self.write(&[&self.new_line]);
    }

    /// In one step: nobody reads half a file.
    fn write(&self, lines: &[&str]) {
        let beside = self.path.with_extension("written");
        fs::write(&beside, lines.join("\n") + "\n").unwrap();
        fs::rename(&beside, &self.path).unwrap();
    }
}
