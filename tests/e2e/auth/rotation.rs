//! Certificates, bundles and keys are replaced while calls run: not one of them fails.

use std::fs;

use broker_crypto::jwt::testing::{TestKey, jwks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::RECORDER;
use super::caller::Caller;
use super::caller::Reception::{CutOff, Known};
use super::jwt::{ISSUER, claims};
use super::setting::{Setting, until, write_identity};
use super::traffic::Traffic;
use broker_e2e::authority::Authority;

#[tokio::test]
async fn the_servers_certificate_is_replaced() {
    let authority = Authority::new();
    // Connections end all the time, too: that is no failed call either.
    let setting = Setting::mtls(&authority.pem(), "max_connection_age = \"300ms\"").await;
    let renewed = Authority::new();
    let identity = authority.workload(RECORDER);
    let both = Caller::of(setting.server_authority.pem() + &renewed.pem()).with_identity(identity.clone());
    let traffic = Traffic::start(setting.grpc(), both);
    traffic.go_on().await;

    fs::write(setting.at("tls.crt"), "no certificate").unwrap();
    until("the complaint", async || {
        setting.page("/readyz").await.contains("server_certificate: cannot be read anew")
    })
    .await;
    traffic.go_on().await;
    write_identity(setting.at("").as_path(), "tls", &renewed.server());
    let believes_new = Caller::of(renewed.pem()).with_identity(identity.clone());
    until("the new certificate", async || believes_new.call(setting.grpc()).await == Known).await;
    traffic.go_on().await;

    let believes_old = setting.caller().with_identity(identity);
    assert_eq!(believes_old.call(setting.grpc()).await, CutOff, "the old one is gone");
    traffic.end().await;
    assert!(setting.page("/readyz").await.contains("server_certificate: ok"));
    setting.end().await;
}

#[tokio::test]
async fn the_authorities_of_a_trust_domain_are_replaced() {
    let (old, new) = (Authority::new(), Authority::new());
    let setting = Setting::mtls(&old.pem(), "").await;
    let [by_old, by_new] =
        [&old, &new].map(|authority| setting.caller().with_identity(authority.workload(RECORDER)));
    assert_eq!(by_new.call(setting.grpc()).await, CutOff);
    let traffic = Traffic::start(setting.grpc(), by_old.clone());
    let lasting = by_old.channel(setting.grpc());
    traffic.go_on().await;

    fs::write(setting.at("bundle.pem"), old.pem() + &new.pem()).unwrap();
    until("the new authority", async || by_new.call(setting.grpc()).await == Known).await;
    assert_eq!(by_old.call_over(lasting.clone()).await, Known);
    traffic.give(by_new).await;
    fs::write(setting.at("bundle.pem"), new.pem()).unwrap();
    until("the end of the old one", async || by_old.call(setting.grpc()).await == CutOff).await;
    traffic.go_on().await;

    assert_ne!(by_old.call_over(lasting).await, Known, "on a connection from before, either");
    traffic.end().await;
    setting.end().await;
}

#[tokio::test]
async fn the_keys_of_an_issuer_are_replaced_in_a_file() {
    let old = TestKey::es256("old");
    let setting = Setting::start(|at| {
        fs::write(at.join("jwks.json"), jwks(&[&old])).unwrap();
        (issuer(&format!("jwks_file = \"{}/jwks.json\"", at.display())), String::new())
    })
    .await;
    let path = setting.at("jwks.json");
    replace_keys(setting, old, |document| fs::write(&path, document).unwrap()).await;
}

#[tokio::test]
async fn the_keys_of_an_issuer_are_replaced_at_their_url() {
    let old = TestKey::es256("old");
    let publisher = Publisher::start(jwks(&[&old])).await;
    let url = publisher.url.clone();
    let setting = Setting::start(|_| (issuer(&format!("jwks_url = \"{url}\"")), String::new())).await;
    replace_keys(setting, old, |document| publisher.publish(document)).await;
}

/// Nobody looks at the keys for an hour, unless somebody shows a token that was signed with another.
fn issuer(origin: &str) -> String {
    format!(
        "[auth]\nmode = \"jwt\"\n[[auth.jwt]]\nissuer = \"{ISSUER}\"\naudiences = [\"token-broker\"]\n\
         jwks_refresh = \"1h\"\n{origin}"
    )
}

async fn replace_keys(setting: Setting, mut key: TestKey, publish: impl Fn(String)) {
    let with = |key: &TestKey| setting.caller().with_token(key.sign(&claims()));
    let traffic = Traffic::start(setting.grpc(), with(&key));
    traffic.go_on().await;
    for next in [TestKey::rs256("new"), TestKey::es256("newer")] {
        publish(jwks(&[&key, &next]));
        // Its issuer signs with the new key from one moment to the next.
        traffic.give(with(&next)).await;
        publish(jwks(&[&next]));
        traffic.go_on().await;
        key = next;
    }
    traffic.end().await;
    setting.end().await;
}

/// Publishes a document over plain HTTP on this machine.
struct Publisher {
    url: String,
    document: watch::Sender<String>,
    _stop_on_drop: DropGuard,
}

impl Publisher {
    async fn start(document: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/openid/v1/jwks", listener.local_addr().unwrap());
        let (document, stop) = (watch::Sender::new(document), CancellationToken::new());
        let _stop_on_drop = stop.clone().drop_guard();
        let answering = answer_all(listener, document.subscribe());
        TaskTracker::new().spawn(async move { stop.run_until_cancelled(answering).await });
        Self { url, document, _stop_on_drop }
    }

    fn publish(&self, document: String) {
        self.document.send_replace(document);
    }
}

async fn answer_all(listener: TcpListener, document: watch::Receiver<String>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        let document = document.borrow().clone();
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length";
        let answer = format!("{head}: {}\r\n\r\n{document}", document.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}
