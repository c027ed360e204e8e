//! A broker that wants to know its callers, as a process of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use broker_e2e::{BrokerProcess, LONGEST_WAIT, http};
use rustix::process::Signal;
use tempfile::TempDir;

use super::caller::Caller;
use crate::BINARY;
use broker_e2e::authority::{Authority, Identity};

/// What callers may do is not the matter here.
const WHO_IS_KNOWN_MAY_ALL: &str = "[[access.policy]]\nprincipal = \"*\"\ntenant = \"*\"\nprovider = \"*\"\n\
    actions = [\"vend\", \"consent\", \"observe\", \"operate\", \"administer\"]";

/// The broker, its files and the authority of its certificate.
pub(crate) struct Setting {
    directory: TempDir,
    pub(super) server_authority: Authority,
    broker: BrokerProcess,
}

impl Setting {
    /// Starts one. `prepare` writes what it needs into the directory, and answers with the sections `[auth]` and further
    /// keys of `[tls]`.
    pub(super) async fn start(prepare: impl FnOnce(&Path) -> (String, String)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server_authority = Authority::new();
        let at = directory.path();
        write_identity(at, "tls", &server_authority.server());
        let kek = Command::new(BINARY).args(["keys", "generate", "--out"]).arg(at.join("kek")).status();
        assert!(kek.unwrap().success());
        let (auth, tls) = prepare(at);
        let at = at.display();
        let config = format!(
            "[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite::memory:\"\n\
             [keys]\nkek_file = \"{at}/kek\"\n[escrow]\ndir = \"{at}/escrow\"\n[log]\nlevel = \"debug\"\n\
             format = \"json\"\n[tls]\ncert_file = \"{at}/tls.crt\"\nkey_file = \"{at}/tls.key\"\n{tls}\n{auth}\n{WHO_IS_KNOWN_MAY_ALL}\n"
        );
        let file = directory.path().join("broker.toml");
        fs::write(&file, config).unwrap();
        let broker =
            BrokerProcess::serve(Path::new(BINARY), &file, &directory.path().join("broker.log")).await;
        Self { directory, server_authority, broker }
    }

    /// Mode `mtls` with one trust domain.
    pub(crate) async fn mtls(bundle: &str, tls: &str) -> Self {
        Self::start(|at| {
            fs::write(at.join("bundle.pem"), bundle).unwrap();
            let auth = format!(
                "[auth]\nmode = \"mtls\"\n[[auth.mtls]]\ntrust_domain = \"prod.example\"\n\
                 bundle_file = \"{}/bundle.pem\"",
                at.display()
            );
            (auth, tls.to_owned())
        })
        .await
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn grpc(&self) -> SocketAddr {
        self.broker.grpc
    }

    pub(super) fn pid(&self) -> u32 {
        self.broker.pid()
    }

    /// A caller who believes this broker and shows nothing.
    pub(super) fn caller(&self) -> Caller {
        Caller::of(self.server_authority.pem())
    }

    /// Everything that was logged so far.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.at("broker.log")).unwrap()
    }

    /// A page of the HTTP listener.
    pub(crate) async fn page(&self, path: &str) -> String {
        http::get(self.broker.http, path, "").await.1
    }

    /// Ends the broker, which has nothing to wait for.
    pub(crate) async fn end(self) {
        assert!(self.broker.end(Signal::TERM).await.success());
    }
}

/// Two files, one after the other: between them they do not go together.
pub(super) fn write_identity(directory: &Path, name: &str, identity: &Identity) {
    fs::write(directory.join(format!("{name}.crt")), &identity.certificate).unwrap();
    fs::write(directory.join(format!("{name}.key")), &identity.key).unwrap();
}

/// Waits until something holds that comes about by itself.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what} does not come about"));
}
