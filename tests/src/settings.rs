//! The configuration of the broker under test, as a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, process};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Provider;
use crate::canary::Canaries;

/// Where the broker of one house keeps its things.
pub(crate) struct Settings {
    directory: PathBuf,
    rotation: Vec<(&'static str, String)>,
    access: String,
}

impl Settings {
    /// Makes a key. `rotation` goes into the section of that name, `sections` are others.
    pub(crate) fn new(directory: &Path, rotation: Vec<(&'static str, String)>, access: String) -> Self {
        // Unguessable is not asked for here, distinct from everything else is.
        let key: Vec<u8> = (0..32u32).map(|n| (process::id().rotate_left(n) % 251) as u8 ^ n as u8).collect();
        let settings = Self { directory: directory.to_owned(), rotation, access };
        fs::write(settings.kek(), format!("kek-1:{}\n", STANDARD.encode(key))).unwrap();
        settings
    }

    pub(crate) fn kek(&self) -> PathBuf {
        self.directory.join("kek")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.join("data/broker.db")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("data/broker.log")
    }

    /// The key encryption key, as it is and as it is written.
    pub(crate) fn key_material(&self) -> Canaries {
        let text = fs::read_to_string(self.kek()).unwrap();
        let (_, key) = text.trim().split_once(':').unwrap();
        let mut canaries = Canaries::default();
        canaries.add("key encryption key", STANDARD.decode(key).unwrap());
        canaries.add("key encryption key as written", key);
        canaries
    }

    /// Writes the file for providers at these URLs.
    pub(crate) fn write(
        &self,
        authorize_at: impl Fn(Provider) -> String,
        token_at: impl Fn(Provider) -> String,
    ) -> PathBuf {
        let data = self.directory.join("data");
        fs::create_dir_all(&data).unwrap();
        let (kek, data) = (self.kek().display().to_string(), data.display());
        let mut toml = format!(
            "[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n\n\
             [store]\nurl = \"sqlite://{data}/broker.db\"\n\n[keys]\nkek_file = \"{kek}\"\n\n\
             [escrow]\ndir = \"{data}/escrow\"\n\n[log]\nlevel = \"trace\"\nformat = \"json\"\n\n[rotation]\n"
        );
        for (key, value) in &self.rotation {
            writeln!(toml, "{key} = \"{value}\"").unwrap();
        }
        toml.push_str(&self.access);
        for provider in Provider::ALL {
            let (name, path) = (provider.name(), provider.oauth_path());
            let (authorize, token) = (authorize_at(provider), token_at(provider));
            write!(
                toml,
                "\n[providers.{name}]\nadapter = \"{name}\"\nauthorize_url = \"{authorize}/{path}/authorize\"\n\
                 token_url = \"{token}/{path}/token\"\nrevoke_url = \"{token}/{path}/revoke\"\n"
            )
            .unwrap();
        }
        let file = self.directory.join("token-broker.toml");
        fs::write(&file, toml).unwrap();
        file
    }
}
