//! Calling an API.

use std::time::Duration;

use broker_egress::{ApiAnswer, ApiCall, Cause, Egress, EgressConfig, UrlRefused};
use tokio::net::TcpListener;
use url::Url;
use zeroize::Zeroizing;

use crate::wire::{answer_once, serve};

async fn post(url: Url, config: EgressConfig) -> Result<ApiAnswer, Cause> {
    let headers = vec![("x-vault-token", Zeroizing::new("hunter2".to_owned()))];
    let call = ApiCall { url, headers, body: Some(Zeroizing::new(b"{\"a\":1}".to_vec())) };
    assert!(!format!("{call:?}").contains("hunter2"));
    Egress::new(config).unwrap().call(call).await
}

#[tokio::test]
async fn json_is_posted_with_the_headers_given() {
    let (url, server) = answer_once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let answer = post(url, EgressConfig::default()).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    let seen = server.await.unwrap();
    let head = seen.head.to_lowercase();
    assert!(head.starts_with("post ") && head.contains("x-vault-token: hunter2\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/json\r\n") && head.contains("content-length: 7\r\n"),
        "{head}"
    );
    assert_eq!(seen.body, b"{\"a\":1}");
}

#[tokio::test]
async fn any_status_is_an_answer_and_redirects_are_not_followed() {
    let redirect = b"HTTP/1.1 307 No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (url, _server) = answer_once(redirect).await;
    assert_eq!(post(url, EgressConfig::default()).await.unwrap().status, 307);
}

#[tokio::test]
async fn an_answer_is_bounded_in_length_and_time() {
    let (url, _server) = answer_once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789").await;
    let config = EgressConfig { max_body: 8, ..EgressConfig::default() };
    assert_eq!(post(url, config).await.unwrap_err(), Cause::TooLong);
    let (url, _server) = serve(async |listener: TcpListener| listener.accept().await.unwrap()).await;
    let config = EgressConfig { total_timeout: Duration::from_millis(100), ..EgressConfig::default() };
    assert_eq!(post(url, config).await.unwrap_err(), Cause::Timeout);
}

#[tokio::test]
async fn nothing_goes_where_it_could_be_read() {
    let plain = "http://vault.example/v1".parse().unwrap();
    assert_eq!(post(plain, EgressConfig::default()).await.unwrap_err(), Cause::Url(UrlRefused::PlainHttp));
}
