//! The client against a token endpoint of a few lines.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker_core::ports::{
    CallError, ClientCredentials, Presentation, ProviderClient, SendGate, SendRefused, TokenOutcome,
    TokenRequest,
};
use broker_core::testing::ManualClock;
use broker_core::{FailureKind, RotationMode, Timestamp};
use broker_crypto::{ClientSecret, RefreshToken};
use broker_egress::{Egress, EgressConfig};
use broker_providers::{Adapter, OAuthClient, Overrides};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Answers one request with these bytes; returns the request.
async fn endpoint(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/oauth2/token", listener.local_addr().unwrap());
    let server = TaskTracker::new().spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        request
    });
    (url, server)
}

async fn read(stream: &mut TcpStream) -> String {
    let mut request = String::new();
    while !is_whole(&request) {
        let Ok(byte) = stream.read_u8().await else { break };
        request.push(char::from(byte));
    }
    request
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| length.parse() == Ok(body.len()))
}

struct Gate(Result<(), SendRefused>);

#[async_trait]
impl SendGate for Gate {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        self.0
    }
}

const NOW: Timestamp = Timestamp::from_unix_seconds(1_900_000_000);

fn client(adapter: Adapter, token_url: String) -> OAuthClient {
    client_of(adapter, overrides(token_url))
}

fn overrides(token_url: String) -> Overrides {
    Overrides {
        token_url: Some(token_url),
        authorize_url: Some("http://127.0.0.1/authorize".to_owned()),
        ..Overrides::default()
    }
}

fn client_of(adapter: Adapter, changes: Overrides) -> OAuthClient {
    let egress = Egress::new(EgressConfig::default()).unwrap();
    OAuthClient::new(adapter.definition().overridden(changes), egress, Arc::new(ManualClock::new(NOW)))
        .unwrap()
}

fn refresh() -> TokenRequest {
    TokenRequest {
        client: ClientCredentials {
            client_id: "id".to_owned(),
            client_secret: Some(ClientSecret::new("hunter2")),
        },
        presentation: Presentation::RefreshToken(RefreshToken::new("r1")),
        scopes: vec!["vms.all".to_owned()],
    }
}

#[tokio::test]
async fn a_refresh_at_eagle_eye() {
    let (url, server) = endpoint(
        "HTTP/1.1 200 \r\nContent-Length: 43\r\n\r\n{\"access_token\":\"a2\",\"refresh_token\":\"r2\"}\n",
    )
    .await;
    let client = client(Adapter::EagleEye, url);
    let response = client.call(refresh(), Arc::new(Gate(Ok(())))).await.unwrap();
    assert_eq!((response.status, response.received_at), (200, NOW));
    let TokenOutcome::Granted(tokens) = client.interpret(&response) else { panic!() };
    assert_eq!(tokens.refresh_token.unwrap().expose(), "r2");

    let request = server.await.unwrap();
    assert!(request.starts_with("POST /oauth2/token HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nauthorization: Basic aWQ6aHVudGVyMg==\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(
        request.ends_with("\r\n\r\ngrant_type=refresh_token&refresh_token=r1&scope=vms.all"),
        "{request}"
    );
}

#[tokio::test]
async fn a_refresh_at_evercam() {
    let (url, server) =
        endpoint("HTTP/1.1 400 \r\nContent-Length: 25\r\n\r\n{\"error\":\"invalid_grant\"}").await;
    let client = client(Adapter::Evercam, url);
    let response = client.call(refresh(), Arc::new(Gate(Ok(())))).await.unwrap();
    let TokenOutcome::Failed(failure) = client.interpret(&response) else { panic!() };
    assert_eq!(failure.kind, FailureKind::DeadToken);

    let request = server.await.unwrap();
    assert!(!request.contains("authorization"), "{request}");
    assert!(request.contains("\r\ncontent-type: application/json\r\n"), "{request}");
    let body =
        r#"{"grant_type":"refresh_token","client_id":"id","client_secret":"hunter2","refresh_token":"r1"}"#;
    assert!(request.ends_with(&format!("\r\n\r\n{body}")), "{request}");
}

#[tokio::test]
async fn retry_after_is_counted_from_the_answer() {
    // 1_900_000_030 is Sat, 17 Mar 2030 17:47:10 GMT.
    let (url, _server) =
        endpoint("HTTP/1.1 429 \r\nRetry-After: Sun, 17 Mar 2030 17:47:10 GMT\r\nContent-Length: 0\r\n\r\n")
            .await;
    let client = client(Adapter::Evercam, url);
    let response = client.call(refresh(), Arc::new(Gate(Ok(())))).await.unwrap();
    let TokenOutcome::Failed(failure) = client.interpret(&response) else { panic!() };
    assert_eq!((failure.kind, failure.retry_after), (FailureKind::Throttled, Some(Duration::from_secs(30))));
}

#[tokio::test]
async fn a_refused_gate_sends_nothing() {
    let (url, server) = endpoint("").await;
    let error =
        client(Adapter::Evercam, url).call(refresh(), Arc::new(Gate(Err(SendRefused)))).await.unwrap_err();
    assert!(matches!(error, CallError::Unsent(_)), "{error}");
    assert!(!server.await.unwrap().contains("hunter2"));
}

#[tokio::test]
async fn a_connection_that_breaks_is_lost() {
    let (url, server) = endpoint("HTTP/1.1 200 \r\nContent-Length: 99\r\n\r\n{").await;
    let error = client(Adapter::Evercam, url).call(refresh(), Arc::new(Gate(Ok(())))).await.unwrap_err();
    assert!(matches!(&error, CallError::Lost(_)), "{error}");
    assert!(!error.to_string().contains("hunter2"));
    assert!(server.await.unwrap().contains("hunter2"));
}

#[tokio::test]
async fn an_answer_later_than_a_third_of_the_grace_is_still_read() {
    let (url, _server) = endpoint("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}").await;
    let changes =
        Overrides { rotation: Some(RotationMode::Grace(Duration::from_nanos(1))), ..overrides(url) };
    let response =
        client_of(Adapter::Evercam, changes).call(refresh(), Arc::new(Gate(Ok(())))).await.unwrap();
    assert_eq!(response.status, 200);
}

#[test]
fn an_unsound_definition_makes_no_client() {
    let egress = Egress::new(EgressConfig::default()).unwrap();
    let made = OAuthClient::new(Adapter::OAuth2.definition(), egress, Arc::new(ManualClock::new(NOW)));
    let problems: Vec<_> = made.err().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["token_url: missing; give the provider's URL", "authorize_url: missing; give the provider's URL",]
    );
}
