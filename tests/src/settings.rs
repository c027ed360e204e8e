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
    keys: Option<String>,
    providers: Vec<(Provider, String)>,
}

impl Settings {
    /// Makes a key. `rotation` goes into the section of that name, `sections` are others.
    pub(crate) fn new(directory: &Path, rotation: Vec<(&'static str, String)>, access: String) -> Self {
        // Unguessable is not asked for here, distinct from everything else is.
        let key: Vec<u8> = (0..32u32).map(|n| (process::id().rotate_left(n) % 251) as u8 ^ n as u8).collect();
        let (directory, providers) = (directory.to_owned(), Vec::new());
        let settings = Self { directory, rotation, access, keys: None, providers };
        fs::write(settings.kek(), format!("kek-1:{}\n", STANDARD.encode(key))).unwrap();
        settings
    }

    /// With this section in place of the key.
    pub(crate) fn keys_from(self, section: Option<String>) -> Self {
        Self { keys: section, ..self }
    }

    /// With further lines in the sections of these providers.
    pub(crate) fn providers(self, providers: Vec<(Provider, String)>) -> Self {
        Self { providers, ..self }
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

    /// The key encryption keys, as they are and as they are written.
    pub(crate) fn key_material(&self) -> Canaries {
        let mut canaries = Canaries::default();
        for line in fs::read_to_string(self.kek()).unwrap().lines() {
            let (_, key) = line.split_once(':').unwrap();
            canaries.add("key encryption key", STANDARD.decode(key).unwrap());
            canaries.add("key encryption key as written", key);
        }
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
        let (keys, data) = (self.keys_section(), data.display());
        let mut toml = format!(
            "[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n\n\
             [store]\nurl = \"sqlite://{data}/broker.db\"\n\n{keys}\n\
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
                 token_url = \"{token}/{path}/token\"\nrevoke_url = \"{token}/{path}/revoke\"\n\
                 base_url = \"{token}\"\n"
            )
            .unwrap();
            for (_, lines) in self.providers.iter().filter(|(of, _)| *of == provider) {
                writeln!(toml, "{lines}").unwrap();
            }
        }
        let file = self.directory.join("token-broker.toml");
        fs::write(&file, toml).unwrap();
        file
    }

    fn keys_section(&self) -> String {
        let of_file = || format!("[keys]\nkek_file = \"{}\"\n", self.kek().display());
        self.keys.clone().unwrap_or_else(of_file)
    }
}
