//! Calls to URLs that somebody else chose.

use std::time::Duration;

use broker_egress::{
    AddressPolicy, Cause, EgressConfig, Post, PostAnswer, PostFailure, StrangerEgress, UrlRefused,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use url::Url;

use crate::wire::{Seen, answer_once, serve};

fn door(also: &[&str]) -> StrangerEgress {
    let also = also.iter().map(|network| network.parse().unwrap()).collect();
    let config = EgressConfig { total_timeout: Duration::from_secs(2), ..EgressConfig::default() };
    StrangerEgress::new(&config, AddressPolicy { also }).unwrap()
}

fn post(url: &Url) -> Post {
    Post { url: url.clone(), headers: vec![("webhook-id", "evt_1".to_owned())], json: b"{}".to_vec() }
}

/// The same port, by a name that is looked up.
fn by_name(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_host(Some("localhost")).unwrap();
    url
}

#[tokio::test]
async fn json_is_posted_with_its_headers() {
    let (url, server) = answer_once(b"HTTP/1.1 204 No\r\n\r\n").await;
    let answer = door(&["127.0.0.0/8"]).post(post(&url)).await.unwrap();
    assert_eq!(answer, PostAnswer { status: 204, retry_after: None });
    let seen = server.await.unwrap();
    assert!(seen.head.starts_with("POST /token HTTP/1.1\r\n"), "{}", seen.head);
    assert!(seen.head.contains("webhook-id: evt_1\r\n"), "{}", seen.head);
    assert!(seen.head.contains("content-type: application/json\r\n"), "{}", seen.head);
    assert_eq!(seen.body, b"{}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (url, _server) = answer_once(
        b"HTTP/1.1 307 Go\r\nLocation: http://169.254.169.254/\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let answer = door(&["127.0.0.0/8"]).post(post(&url)).await.unwrap();
    assert_eq!(answer, PostAnswer { status: 307, retry_after: Some("7".to_owned()) });
}

#[tokio::test]
async fn nothing_of_ours_is_called_by_address_or_by_name() {
    let (url, server) = serve(async |listener: TcpListener| listener.accept().await.map(drop)).await;
    for url in [&url, &by_name(&url)] {
        let refused = door(&[]).post(post(url)).await.unwrap_err();
        assert_eq!(refused, PostFailure::ForbiddenAddress, "{url}");
    }
    assert!(!server.is_finished(), "nobody connected");
}

#[tokio::test]
async fn a_stranger_that_says_nothing_is_not_waited_for() {
    let (url, _server) = serve(async |listener: TcpListener| {
        let (mut stream, _) = listener.accept().await.unwrap();
        Seen::read(&mut stream).await;
        stream.flush().await.unwrap();
        stream
    })
    .await;
    let refused = door(&["127.0.0.0/8"]).post(post(&url)).await.unwrap_err();
    assert_eq!(refused, PostFailure::Other(Cause::Timeout));
}

#[test]
fn urls_are_checked_by_their_text() {
    let check = |also: &[&str], url: &str| door(also).check(&Url::parse(url).unwrap());
    for (url, expected) in [
        ("https://hooks.example.com/a?b=c", Ok(())),
        ("https://8.8.8.8/", Ok(())),
        ("https://10.0.0.1/", Err(UrlRefused::ForbiddenAddress)),
        ("https://0x7f.1/", Err(UrlRefused::ForbiddenAddress)),
        ("https://2130706433/", Err(UrlRefused::ForbiddenAddress)),
        ("https://[::ffff:169.254.169.254]/", Err(UrlRefused::ForbiddenAddress)),
        ("https://localhost/", Err(UrlRefused::ForbiddenAddress)),
        ("http://127.0.0.1/", Err(UrlRefused::ForbiddenAddress)),
        ("http://hooks.example.com/", Err(UrlRefused::PlainHttp)),
        ("https://user@hooks.example.com/", Err(UrlRefused::Credentials)),
        ("ftp://hooks.example.com/", Err(UrlRefused::Scheme)),
    ] {
        assert_eq!(check(&[], url), expected, "{url}");
    }
    assert_eq!(check(&["127.0.0.0/8"], "http://127.0.0.1/"), Ok(()));
    assert_eq!(check(&["10.0.0.0/8"], "https://10.0.0.1/"), Ok(()));
    assert_eq!(check(&["10.0.0.0/8"], "http://10.0.0.1/"), Err(UrlRefused::PlainHttp));
}
