//! TLS, with a certificate made for the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use broker_redis::RedisConfig;
use tempfile::TempDir;

use crate::server::RedisServer;
use crate::world::{Replica, grant};

/// A certificate authority and a certificate of it for 127.0.0.1.
struct Certificates(TempDir);

impl Certificates {
    fn make() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        let extensions = "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=test only\n\
            [ca]\nbasicConstraints=critical,CA:TRUE\n\
            [server]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1\n";
        std::fs::write(made.path("openssl.cnf"), extensions).unwrap();
        made.openssl("ca", &[]);
        made.openssl("server", &["-CA", "ca.crt", "-CAkey", "ca.key"]);
        made
    }

    fn openssl(&self, name: &str, issuer: &[&str]) {
        let mut command = Command::new("openssl");
        command.current_dir(self.0.path()).args([
            "req",
            "-x509",
            "-config",
            "openssl.cnf",
            "-nodes",
            "-days",
            "2",
        ]);
        command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-extensions", name]);
        command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]).args(issuer);
        let made = command.output().expect("openssl runs: install it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn server(&self) -> RedisServer {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let (certificate, key) = (text(&self.path("server.crt")), text(&self.path("server.key")));
        let ca = text(&self.path("ca.crt"));
        RedisServer::start_with(|port| {
            let port = port.to_string();
            let arguments = ["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"];
            let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
            arguments.into_iter().chain(files).map(str::to_owned).collect()
        })
        .await
    }
}

fn config(server: &RedisServer, host: &str, ca_file: PathBuf) -> RedisConfig {
    let url = format!("rediss://{host}:{}/", server.port());
    RedisConfig { ca_file: Some(ca_file), ..RedisConfig::new(url) }
}

#[tokio::test]
async fn a_server_whose_authority_is_named_is_trusted() {
    let certificates = Certificates::make();
    let server = certificates.server().await;
    let replica = Replica::with(config(&server, "127.0.0.1", certificates.path("ca.crt")));
    replica.until_healthy().await;
    assert_eq!(replica.asks(grant(1)).await, Ok(true));
}

#[tokio::test]
async fn a_server_of_another_authority_is_not() {
    let (certificates, others) = (Certificates::make(), Certificates::make());
    let server = certificates.server().await;
    let replica = Replica::with(config(&server, "127.0.0.1", others.path("ca.crt")));
    replica.until(|| replica.problem() == Some("tls")).await;
    assert!(replica.asks(grant(1)).await.is_err());
}

#[tokio::test]
async fn nor_is_one_whose_certificate_names_another_host() {
    let certificates = Certificates::make();
    let server = certificates.server().await;
    let replica = Replica::with(config(&server, "localhost", certificates.path("ca.crt")));
    replica.until(|| replica.problem() == Some("tls")).await;
    assert!(replica.asks(grant(1)).await.is_err());
}
