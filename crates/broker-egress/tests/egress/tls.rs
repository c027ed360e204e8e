//! TLS against a server whose certificate only the test's own root vouches for.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::wire::Open;
use broker_egress::{Answer, Cause, Egress, EgressConfig, EgressError, OneShot};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;
use zeroize::Zeroizing;

const CA: &[u8] = include_bytes!("../../testdata/TEST-ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../testdata/TEST-server.pem");
const KEY: &[u8] = include_bytes!("../../testdata/TEST-KEY-not-a-secret.pem");

/// Answers one request; returns what it read, which is nothing where no TLS came about.
fn serve() -> (Url, JoinHandle<Vec<u8>>) {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(KEY).unwrap())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/token", listener.local_addr().unwrap()).parse().unwrap();
    let server = std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket);
        let (mut seen, mut buffer) = (Vec::new(), [0; 1024]);
        while !seen.ends_with(b"hunter2") {
            match stream.read(&mut buffer) {
                Ok(read @ 1..) => seen.extend_from_slice(&buffer[..read]),
                Ok(0) | Err(_) => return seen,
            }
        }
        assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        seen
    });
    (url, server)
}

async fn post(url: Url, gate: Arc<Open>, extra_roots_pem: Option<Vec<u8>>) -> Result<Answer, EgressError> {
    let egress = Egress::new(EgressConfig { extra_roots_pem, ..EgressConfig::default() }).unwrap();
    let shot = OneShot {
        url,
        authorization: None,
        content_type: "application/x-www-form-urlencoded",
        body: Zeroizing::new(b"refresh_token=hunter2".to_vec()),
        gate,
    };
    egress.post_once(shot).await
}

#[tokio::test]
async fn an_extra_root_is_trusted() {
    let (url, server) = serve();
    let answer = post(url, Arc::new(Open::default()), Some(CA.to_vec())).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    assert!(server.join().unwrap().starts_with(b"POST /token HTTP/1.1\r\n"));
}

#[tokio::test]
async fn an_unknown_root_is_not_and_nothing_is_sent() {
    let (url, server) = serve();
    let gate = Arc::new(Open::default());
    let error = post(url, gate.clone(), None).await.unwrap_err();
    let EgressError::Unsent(Cause::Connect(detail)) = &error else { panic!("{error:?}") };
    assert!(detail.contains("UnknownIssuer"), "{detail}");
    assert_eq!((gate.asked(), server.join().unwrap()), (0, Vec::new()));
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let (mut url, server) = serve();
    url.set_host(Some("localhost")).unwrap();
    let error = post(url, Arc::new(Open::default()), Some(CA.to_vec())).await.unwrap_err();
    assert!(matches!(&error, EgressError::Unsent(Cause::Connect(_))), "{error:?}");
    assert_eq!(server.join().unwrap(), b"");
}
