//! TLS, certificates and tokens.

use std::fs;
use std::path::PathBuf;

use broker_proto::v1::GetGrantResponse;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use crate::ctl::{Run, ctl, run};
use crate::fake_broker::{Credentials, FakeBroker};

const GET: &str = "grants get --tenant acme --provider evercam --user ada";

/// A broker with a certificate for `broker.example` that asks for one in return, and files to meet it with.
struct Setting {
    directory: tempfile::TempDir,
    broker: FakeBroker,
}

impl Setting {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let sign = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            (params.signed_by(&key, &authority).unwrap().pem(), key.serialize_pem())
        };
        let (certificate, key) = sign("broker.example");
        let (client_certificate, client_key) = sign("client.example");
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("client.pem", client_certificate),
            ("client.key", client_key),
            ("token", "first.to.ken\n".to_owned()),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(certificate, key))
            .client_ca_root(Certificate::from_pem(authority.pem()))
            .client_auth_optional(true);
        let broker = FakeBroker::start_with_tls(tls).await;
        for _ in 0..2 {
            broker.scripts.get_grant.will_answer(Ok(GetGrantResponse { grant: Some(Default::default()) }));
        }
        Self { directory, broker }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs with flags in which `@` stands for the directory.
    async fn ctl(&self, flags: &str) -> Run {
        let flags = flags.replace('@', self.directory.path().to_str().unwrap());
        ctl(&self.broker, &format!("{flags} {GET}")).await
    }

    fn shown(&self) -> Vec<Credentials> {
        self.broker.scripts.get_grant.credentials()
    }
}

#[tokio::test]
async fn a_certificate_is_shown_over_tls() {
    let setting = Setting::new().await;
    let run = setting
        .ctl("--ca-file @/ca.pem --server-name broker.example --cert-file @/client.pem --key-file @/client.key")
        .await;
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(setting.shown(), [Credentials { authorization: None, certificate: true }]);
}

#[tokio::test]
async fn a_token_is_shown_over_tls_as_it_is_now() {
    let setting = Setting::new().await;
    let flags = "--ca-file @/ca.pem --server-name broker.example --token-file @/token";
    assert_eq!(setting.ctl(flags).await.code, 0);
    fs::write(setting.at("token"), "second.to.ken").unwrap();
    assert_eq!(setting.ctl(flags).await.code, 0);
    let shown: Vec<_> = setting.shown().into_iter().filter_map(|one| one.authorization).collect();
    assert_eq!(shown, ["Bearer first.to.ken", "Bearer second.to.ken"]);
}

#[tokio::test]
async fn a_broker_that_is_not_believed_is_shown_nothing() {
    let setting = Setting::new().await;
    for (flags, told) in [
        ("--token-file @/token", "UnknownIssuer"),
        ("--ca-file @/ca.pem --token-file @/token", "not valid for name"),
    ] {
        let run = setting.ctl(flags).await;
        assert_eq!(run.code, 5, "{run:?}");
        assert!(run.stderr.contains(told), "{run:?}");
        assert!(run.stderr.contains("--ca-file and --server-name say whom to believe"), "{run:?}");
        assert!(!run.stderr.contains("first.to.ken"), "{run:?}");
    }
    assert_eq!(setting.shown(), []);
}

#[tokio::test]
async fn a_broker_that_refuses_the_connection_is_asked_why() {
    let setting = Setting::new().await;
    let stranger = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["client.example".to_owned()]).unwrap();
    fs::write(setting.at("stranger.pem"), certificate.self_signed(&stranger).unwrap().pem()).unwrap();
    fs::write(setting.at("stranger.key"), stranger.serialize_pem()).unwrap();
    let trusting = "--ca-file @/ca.pem --server-name broker.example";
    let run = setting.ctl(&format!("{trusting} --cert-file @/stranger.pem --key-file @/stranger.key")).await;
    assert!(run.stderr.contains("the broker's log whether it accepts --cert-file"), "{run:?}");
    let plaintext = setting.broker.endpoint().replace("https", "http");
    let run = run_at(&plaintext).await;
    assert!(run.stderr.contains("needs https:// in --endpoint"), "{run:?}");
    assert_eq!(setting.shown(), []);
}

async fn run_at(endpoint: &str) -> Run {
    run(&format!("--endpoint {endpoint} {GET}"), "").await
}

#[tokio::test]
async fn nothing_is_shown_in_plaintext() {
    let setting = Setting::new().await;
    let plain = FakeBroker::start().await;
    let at = |flags: &str| flags.replace('@', setting.directory.path().to_str().unwrap());
    for (flags, told) in [
        ("--token-file @/token", "never sent in plaintext"),
        ("--ca-file @/ca.pem", "need an https --endpoint"),
        ("--cert-file @/client.pem --key-file @/client.key", "need an https --endpoint"),
        ("--server-name broker.example", "need an https --endpoint"),
    ] {
        for endpoint in [plain.endpoint(), "http://broker.example:7400".to_owned()] {
            let run = run(&format!("--endpoint {endpoint} {} {GET}", at(flags)), "").await;
            assert_eq!(run.code, 2, "{run:?}");
            assert!(run.stderr.contains(told), "{run:?}");
        }
    }
    assert_eq!(plain.scripts.get_grant.credentials(), []);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let setting = Setting::new().await;
    fs::write(setting.at("empty"), "\n").unwrap();
    for (flags, told) in [
        ("--ca-file @/none.pem", "none.pem"),
        ("--cert-file @/client.pem", "--cert-file and --key-file go together"),
        ("--key-file @/client.key", "--cert-file and --key-file go together"),
        ("--cert-file @/client.pem --key-file @/client.pem", "cannot be used"),
        ("--token-file @/none", "/none"),
        ("--token-file @/empty", "holds no token"),
    ] {
        let run = setting.ctl(flags).await;
        assert_eq!(run.code, 2, "{flags}: {run:?}");
        assert!(run.stderr.contains(told), "{flags}: {run:?}");
    }
    assert_eq!(setting.shown(), []);
}
