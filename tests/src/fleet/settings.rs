//! The configuration of each replica, as a file.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What all replicas of a fleet are told.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) directory: PathBuf,
    pub(super) lease_url: String,
    /// What rotates tokens has a key of its own.
    pub(super) apart: bool,
    pub(super) rotation: Vec<(&'static str, String)>,
    pub(super) access: String,
    pub(super) providers: String,
}

impl Settings {
    /// Writes the file of a replica that keeps its own things in the directory `home`.
    pub(super) fn write(&self, role: &str, home: &Path, store_url: &str) -> PathBuf {
        fs::create_dir_all(home).unwrap();
        let (kek, home, lease) = (self.kek(), home.display(), &self.lease_url);
        let kek = kek.display();
        let mut toml = format!(
            "[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n\n[store]\nurl = \"{store_url}\"\n\n\
             [lease]\nurl = \"{lease}\"\n\n[keys]\nkek_file = \"{kek}\"\n\n[escrow]\ndir = \"{home}/escrow\"\n\n\
             [log]\nlevel = \"info\"\nformat = \"json\"\n\n[rotation]\n"
        );
        for (key, value) in &self.rotation {
            writeln!(toml, "{key} = \"{value}\"").unwrap();
        }
        if self.apart && role != "api" {
            write!(toml, "\n[keys.rotation]\nkek_file = \"{}\"\n\n", self.rotation_kek().display()).unwrap();
        }
        toml.push_str(&self.access);
        toml.push_str(&self.providers);
        let file = PathBuf::from(format!("{home}/token-broker.toml"));
        fs::write(&file, toml).unwrap();
        file
    }

    /// The file of the key that only rotators have.
    pub(super) fn rotation_kek(&self) -> PathBuf {
        self.directory.join("rotation-kek")
    }

    /// The file of the key that all replicas share.
    pub(super) fn kek(&self) -> PathBuf {
        self.directory.join("kek")
    }
}
