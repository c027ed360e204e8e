//! A server that answers one request, and clients that ask it.

use std::sync::Arc;

use broker_core::Timestamp;
use broker_core::ports::{ClientCredentials, Identified, IdentityRequest, NoBaseUrl, ProviderClient as _};
use broker_core::testing::ManualClock;
use broker_crypto::{AccessToken, ClientSecret};
use broker_egress::{Egress, EgressConfig};
use broker_providers::{Adapter, OAuthClient, Overrides};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Longer answers are not read.
const LONGEST_ANSWER: usize = 1024;

/// What a server answers.
pub(crate) type Answer = (u16, String);

pub(crate) fn ok(body: &str) -> Answer {
    (200, body.to_owned())
}

/// An answer that would be good if it were shorter.
pub(crate) fn too_large(body: &str) -> Answer {
    (200, format!("{body}{}", " ".repeat(LONGEST_ANSWER)))
}

/// Answers one request; returns the request.
pub(crate) async fn serve((status, body): Answer) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = TaskTracker::new().spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read(&mut stream).await;
        let head = format!("HTTP/1.1 {status} \r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        request
    });
    (base, server)
}

/// Nobody listens there any more.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
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
    length.map_or("0", |length| length).parse() == Ok(body.len())
}

/// A client of that provider, all of whose endpoints are at `base`.
pub(crate) fn client(adapter: Adapter, base: &str, changes: Overrides) -> OAuthClient {
    let changes = Overrides {
        authorize_url: Some(format!("{base}/authorize")),
        token_url: Some(format!("{base}/token")),
        base_url: Some(base.to_owned()),
        ..changes
    };
    let egress = Egress::new(EgressConfig { max_body: LONGEST_ANSWER, ..EgressConfig::default() }).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_900_000_000)));
    OAuthClient::new(adapter.definition().overridden(changes), egress, clock).unwrap()
}

/// Whose the token is.
pub(crate) async fn identify(client: &OAuthClient, token: &str) -> Identified {
    let request = IdentityRequest {
        client: ClientCredentials {
            client_id: "id".to_owned(),
            client_secret: Some(ClientSecret::new("hunter2")),
        },
        access_token: &AccessToken::new(token),
        api_base_url: None,
    };
    client.identify(request).await
}

/// Where the token is used.
pub(crate) async fn discover(client: &OAuthClient, token: &str) -> Result<String, NoBaseUrl> {
    client.discover_base_url(&AccessToken::new(token)).await
}

/// In short: the account, `unknown`, or `unavailable`.
pub(crate) fn short(identified: &Identified) -> &str {
    match identified {
        Identified::Account(account) => account.expose(),
        Identified::Unknown => "unknown",
        Identified::Unavailable(why) => {
            assert!(!why.contains("hunter2") && !why.contains("at-1"), "{why}");
            "unavailable"
        }
    }
}
