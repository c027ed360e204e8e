//! The configuration of the broker under measurement.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::authority::Authority;

/// Provider of every grant.
pub const PROVIDER: &str = "stub";

/// Of the names in callers' certificates.
pub const TRUST_DOMAIN: &str = "bench.example";

/// Where one broker keeps what is its own.
pub struct Home {
    directory: PathBuf,
    store_url: String,
    /// `[providers.stub]`
    provider: String,
    /// How callers are known, where they do not say it themselves.
    auth: String,
}

impl Home {
    /// Makes the directory, with a key.
    pub fn furnish(directory: PathBuf, binary: &Path, store_url: String, stub: &str) -> Result<Self> {
        fs::create_dir_all(&directory)?;
        run(Command::new(binary).args(["keys", "generate", "--out"]).arg(directory.join("kek")))?;
        let provider = format!(
            "[providers.{PROVIDER}]\nadapter = \"oauth2\"\nrotation = \"single-use\"\npermanent = true\n\
             authorize_url = \"{stub}/authorize\"\ntoken_url = \"{stub}/token\"\n"
        );
        Ok(Self { directory, store_url, provider, auth: String::new() })
    }

    /// Callers are known by certificates (mode `mtls`), and may do everything. The server's is of the same authority.
    pub fn behind_tls(mut self, authority: &Authority) -> Result<Self> {
        let server = authority.server();
        let files =
            [("tls.crt", server.certificate), ("tls.key", server.key), ("bundle.pem", authority.pem())];
        for (name, pem) in files {
            fs::write(self.directory.join(name), pem)?;
        }
        let here = self.directory.display();
        self.auth = format!(
            "[tls]\ncert_file = \"{here}/tls.crt\"\nkey_file = \"{here}/tls.key\"\n\n[auth]\nmode = \"mtls\"\n\n\
             [[auth.mtls]]\ntrust_domain = \"{TRUST_DOMAIN}\"\nbundle_file = \"{here}/bundle.pem\"\n\n\
             [[access.policy]]\nprincipal = \"*\"\ntenant = \"*\"\nprovider = \"*\"\n\
             actions = [\"vend\", \"consent\", \"observe\", \"operate\", \"administer\"]\n\n"
        );
        Ok(self)
    }

    /// A configuration under which next to nothing is rotated: grants are made, and come due.
    pub fn resting(&self) -> Result<PathBuf> {
        self.write("resting.toml", 1, "requests_per_second = 0.00002\nburst = 1\n")
    }

    /// A configuration under which so many rotations are in flight.
    pub fn rotating(&self, in_flight: usize) -> Result<PathBuf> {
        self.write("rotating.toml", in_flight, "")
    }

    /// Where the broker logs to.
    pub fn log(&self) -> PathBuf {
        self.directory.join("token-broker.log")
    }

    fn write(&self, name: &str, in_flight: usize, more: &str) -> Result<PathBuf> {
        let Self { store_url, provider, auth, .. } = self;
        let directory = self.directory.display();
        let path = self.directory.join(name);
        let toml = format!(
            "[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n\n[store]\nurl = \"{store_url}\"\n\n\
             [keys]\nkek_file = \"{directory}/kek\"\n\n[escrow]\ndir = \"{directory}/escrow\"\n\n\
             [log]\nformat = \"json\"\n\n[rotation]\nmax_in_flight = {in_flight}\n\n{auth}{provider}{more}"
        );
        fs::write(&path, toml)?;
        Ok(path)
    }
}

/// Brings an empty database to the broker's schema.
pub fn migrate(binary: &Path, config: &Path) -> Result<()> {
    run(Command::new(binary).arg("migrate").arg("--config").arg(config))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
