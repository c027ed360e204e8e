//! Reading a document.

use std::time::Duration;

use broker_egress::{Cause, Egress, EgressConfig, FetchError, UrlRefused};
use tokio::net::TcpListener;
use url::Url;
use zeroize::Zeroizing;

use crate::wire::{answer_head_only, serve};

async fn fetch(url: &Url, config: EgressConfig) -> Result<Vec<u8>, FetchError> {
    let authorization = Some(Zeroizing::new("Bearer hunter2".to_owned()));
    let document = Egress::new(config).unwrap().fetch(url, authorization).await;
    document.map(|document| document.to_vec())
}

#[tokio::test]
async fn a_document_is_read_whole() {
    let (url, server) = answer_head_only(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{\"\r\n3\r\nk\":\r\n0\r\n\r\n",
    )
    .await;
    assert_eq!(fetch(&url, EgressConfig::default()).await.unwrap(), b"{\"k\":");
    assert_eq!(server.await.unwrap(), b"", "a GET has no body");
}

#[tokio::test]
async fn anything_but_a_document_is_none() {
    let long = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789";
    for (answer, refused) in [
        (
            b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n".as_slice(),
            FetchError::Status(302),
        ),
        (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}", FetchError::Status(404)),
        (b"HTTP/1.1 204 No\r\n\r\n", FetchError::Status(204)),
        (long, FetchError::NoAnswer(Cause::TooLong)),
    ] {
        let (url, _server) = answer_head_only(answer).await;
        let config = EgressConfig { max_body: 8, ..EgressConfig::default() };
        assert_eq!(fetch(&url, config).await, Err(refused));
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let (url, _server) = serve(async |listener: TcpListener| listener.accept().await.unwrap()).await;
    let config = EgressConfig { total_timeout: Duration::from_millis(100), ..EgressConfig::default() };
    assert_eq!(fetch(&url, config).await, Err(FetchError::NoAnswer(Cause::Timeout)));
}

#[tokio::test]
async fn a_credential_goes_nowhere_it_could_be_read() {
    let plain = "http://issuer.example/keys".parse().unwrap();
    let refused = fetch(&plain, EgressConfig::default()).await.unwrap_err();
    assert_eq!(refused, FetchError::NoAnswer(Cause::Url(UrlRefused::PlainHttp)));
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
}
