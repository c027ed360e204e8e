use broker_core::testing::ManualClock;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConnection, SignatureScheme,
    SupportedProtocolVersion,
};

use super::*;
use crate::auth::TrustDomain;
use crate::auth::server_certificate::ServerCertificate;
use crate::auth::testing::{Authority, NOT_BEFORE};
use crate::auth::trust_bundle::TrustBundle;

const ID: &str = "spiffe://prod.example/recorder";

/// Shows a certificate whether or not the key is its own.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A server of the trust domain `prod.example`, and its authority.
struct Setting {
    _directory: tempfile::TempDir,
    authority: Authority,
    server: Arc<ServerConfig>,
}

impl Setting {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let (certificate, key) = authority.server("localhost");
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (certificate, key) = (write("crt", &certificate), write("key", &key));
        let bundle = write("bundle", &authority.pem());
        let domain = TrustDomain::new("prod.example").unwrap();
        let watched = TrustBundle::watch("prod.example", &bundle).unwrap();
        let domains = TrustDomains::new(vec![(domain, watched)]);
        let certificate = CurrentCertificate(Arc::new(ServerCertificate::watch(&certificate, &key).unwrap()));
        let clock = Arc::new(ManualClock::new(NOT_BEFORE));
        let server = server_config(certificate, Some(Arc::new(domains)), clock).unwrap();
        Self { _directory: directory, authority, server }
    }

    fn client(
        &self,
        version: &'static SupportedProtocolVersion,
        certificate: CertificateDer<'static>,
        key: Vec<u8>,
    ) -> Arc<ClientConfig> {
        #[derive(Debug)]
        struct AtStart;
        impl TimeProvider for AtStart {
            fn current_time(&self) -> Option<UnixTime> {
                Some(unix_time(NOT_BEFORE))
            }
        }
        let provider = Arc::new(ring::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
        let key = provider.key_provider.load_private_key(key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der()).unwrap();
        let mut client = ClientConfig::builder_with_details(provider, Arc::new(AtStart))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_cert_resolver(Arc::new(Shows(CertifiedKey::new(vec![certificate], key).into())));
        client.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(client)
    }

    /// A handshake, and what was said in it.
    fn handshake(&self, client: &Arc<ClientConfig>) -> Result<ServerConnection, rustls::Error> {
        let name = "localhost".try_into().unwrap();
        let mut client = ClientConnection::new(client.clone(), name).unwrap();
        let mut server = ServerConnection::new(self.server.clone()).unwrap();
        while client.wants_write() || server.wants_write() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        assert!(!server.is_handshaking());
        Ok(server)
    }
}

#[test]
fn a_certificate_is_worth_nothing_without_its_key() {
    let setting = Setting::new();
    let (certificate, key) = setting.authority.workload(ID);
    let (_, other_key) = setting.authority.workload(ID);
    for version in [&TLS12, &TLS13] {
        let good = setting.client(version, certificate.clone(), key.clone());
        let server = setting.handshake(&good).unwrap();
        assert_eq!(server.peer_certificates().unwrap(), std::slice::from_ref(&certificate));
        assert_eq!(server.alpn_protocol(), Some(b"h2".as_slice()));
        let stolen = setting.client(version, certificate.clone(), other_key.clone());
        let refused = setting.handshake(&stolen).unwrap_err();
        assert!(refused.to_string().contains("BadSignature"), "{refused}");
    }
}

#[test]
fn no_session_brings_back_a_certificate_that_nobody_verifies_again() {
    let setting = Setting::new();
    let (certificate, key) = setting.authority.workload(ID);
    for version in [&TLS12, &TLS13] {
        let client = setting.client(version, certificate.clone(), key.clone());
        for _ in 0..2 {
            let server = setting.handshake(&client).unwrap();
            assert_eq!(server.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}
