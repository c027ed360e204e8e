//! What is sent, what comes back, and what is known when nothing does.

use std::sync::Arc;
use std::time::Duration;

use crate::wire::{Open, Seen, Shut, Waiting, answer_head_only, answer_once, serve};
use broker_core::ports::SendGate;
use broker_egress::{Answer, Cause, Egress, EgressConfig, EgressError, OneShot, UrlRefused};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use url::Url;
use zeroize::Zeroizing;

const SOON: Duration = Duration::from_millis(100);

fn shot(url: &Url, gate: Arc<dyn SendGate>) -> OneShot {
    OneShot {
        url: url.clone(),
        authorization: Some(Zeroizing::new("Basic c2VjcmV0".to_owned())),
        content_type: "application/x-www-form-urlencoded",
        body: Zeroizing::new(b"refresh_token=hunter2".to_vec()),
        gate,
    }
}

fn egress(config: EgressConfig) -> Egress {
    Egress::new(config).unwrap()
}

async fn post(url: &Url) -> Result<Answer, EgressError> {
    egress(EgressConfig::default()).post_once(shot(url, Arc::new(Open::default()))).await
}

#[tokio::test]
async fn the_request_is_exact_and_the_answer_whole() {
    let (url, server) =
        answer_once(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}").await;
    let answer = post(&url).await.unwrap();
    assert_eq!((answer.status, answer.retry_after.as_deref()), (429, Some("7")));
    assert_eq!((answer.body.as_slice(), answer.body_sent), (b"{}".as_slice(), true));

    let seen = server.await.unwrap();
    assert_eq!(seen.body, b"refresh_token=hunter2");
    assert!(seen.head.starts_with("POST /token HTTP/1.1\r\n"), "{}", seen.head);
    let mut names: Vec<_> = seen.head.lines().skip(1).filter_map(|line| line.split_once(": ")).collect();
    names.sort_unstable();
    let host = format!("127.0.0.1:{}", url.port().unwrap());
    let user_agent = EgressConfig::default().user_agent;
    assert_eq!(
        names,
        [
            ("accept", "application/json"),
            ("accept-encoding", "identity"),
            ("authorization", "Basic c2VjcmV0"),
            ("content-length", "21"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", &*host),
            ("user-agent", &*user_agent),
        ]
    );
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gate = Arc::new(Open::default());
    let shot = shot(&format!("http://{closed}/token?q=hunter2").parse().unwrap(), gate.clone());
    let error = egress(EgressConfig::default()).post_once(shot).await.unwrap_err();
    assert!(matches!(&error, EgressError::Unsent(Cause::Connect(_))), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert_eq!(gate.asked(), 0);
}

#[tokio::test]
async fn without_tls_nothing_is_sent() {
    let (mut url, _server) = serve(async |listener: TcpListener| {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    })
    .await;
    url.set_scheme("https").unwrap();
    let gate = Arc::new(Open::default());
    let error = egress(EgressConfig::default()).post_once(shot(&url, gate.clone())).await.unwrap_err();
    assert!(matches!(&error, EgressError::Unsent(Cause::Connect(_))), "{error:?}");
    assert_eq!(gate.asked(), 0);
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_is_unsent() {
    let (mut url, server) = serve(async |listener: TcpListener| listener.accept().await.unwrap()).await;
    url.set_scheme("https").unwrap();
    let config = EgressConfig { connect_timeout: SOON, ..EgressConfig::default() };
    let error = egress(config).post_once(shot(&url, Arc::new(Open::default()))).await.unwrap_err();
    assert_eq!(error, EgressError::Unsent(Cause::Timeout));
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_refused_gate_keeps_every_byte_of_the_body() {
    let (url, server) = answer_head_only(b"").await;
    let error = egress(EgressConfig::default()).post_once(shot(&url, Arc::new(Shut))).await.unwrap_err();
    assert_eq!(error, EgressError::Unsent(Cause::GateRefused));
    assert_eq!(server.await.unwrap(), b"");
}

#[tokio::test]
async fn a_gate_that_opens_too_late_keeps_the_body() {
    let (url, server) = answer_head_only(b"").await;
    let config = EgressConfig { write_within: SOON, ..EgressConfig::default() };
    let error = egress(config).post_once(shot(&url, Waiting::new())).await.unwrap_err();
    assert_eq!(error, EgressError::Unsent(Cause::GateLate));
    assert_eq!(server.await.unwrap(), b"");
}

#[tokio::test]
async fn a_call_that_times_out_at_the_gate_is_never_sent_later() {
    let (url, server) = answer_head_only(b"").await;
    let gate = Waiting::new();
    let config = EgressConfig { total_timeout: SOON, ..EgressConfig::default() };
    let error = egress(config).post_once(shot(&url, gate.clone())).await.unwrap_err();
    assert_eq!(error, EgressError::Unsent(Cause::Timeout));
    gate.go.add_permits(1);
    assert_eq!(server.await.unwrap(), b"");
}

#[tokio::test]
async fn a_dropped_call_is_never_sent_later() {
    let (url, server) = answer_head_only(b"").await;
    let gate = Waiting::new();
    let call = shot(&url, gate.clone());
    let task = TaskTracker::new()
        .spawn(async move { egress(EgressConfig::default()).post_once(call).await.map(|_| ()) });
    let _ = gate.asked.acquire().await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    gate.go.add_permits(1);
    assert_eq!(server.await.unwrap(), b"");
}

#[tokio::test]
async fn an_answer_before_the_body_is_told_apart() {
    let (url, server) =
        answer_head_only(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let gate = Waiting::new();
    let answer = egress(EgressConfig::default()).post_once(shot(&url, gate.clone())).await.unwrap();
    assert_eq!((answer.status, answer.body_sent), (401, false));
    gate.go.add_permits(1);
    assert_eq!(server.await.unwrap(), b"");
}

#[tokio::test]
async fn a_broken_answer_is_lost() {
    let answers: [(&str, &'static [u8]); 6] = [
        ("closed", b""),
        ("closed in the head", b"HTTP/1.1 200 OK\r\nContent-"),
        ("not HTTP", b"SSH-2.0-hunter2\r\n\r\n"),
        ("truncated", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"acc"),
        ("truncated chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc\r\n"),
        ("bad chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ];
    for (name, answer) in answers {
        let (url, server) = answer_once(answer).await;
        let error = post(&url).await.unwrap_err();
        assert!(matches!(&error, EgressError::Lost(Cause::Broken(_))), "{name}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{name}");
        assert_eq!(server.await.unwrap().body, b"refresh_token=hunter2", "{name}");
    }
}

#[tokio::test]
async fn a_reset_after_the_body_is_lost_and_not_sent_again() {
    let (url, server) = serve(async |listener: TcpListener| {
        let (mut stream, _) = listener.accept().await.unwrap();
        Seen::read(&mut stream).await;
        stream.set_zero_linger().unwrap();
        drop(stream);
        listener
    })
    .await;
    let error = post(&url).await.unwrap_err();
    assert!(matches!(&error, EgressError::Lost(Cause::Broken(_))), "{error:?}");
    assert_no_connection(server.await.unwrap()).await;
}

#[tokio::test]
async fn a_request_lost_on_a_used_connection_is_not_sent_again() {
    let (url, server) = serve(async |listener: TcpListener| {
        let (mut stream, _) = listener.accept().await.unwrap();
        Seen::read(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        Seen::read(&mut stream).await;
        drop(stream);
        listener
    })
    .await;
    let egress = egress(EgressConfig::default());
    egress.post_once(shot(&url, Arc::new(Open::default()))).await.unwrap();
    let gate = Arc::new(Open::default());
    let error = egress.post_once(shot(&url, gate.clone())).await.unwrap_err();
    assert!(matches!(&error, EgressError::Lost(Cause::Broken(_))), "{error:?}");
    assert_eq!(gate.asked(), 1);
    assert_no_connection(server.await.unwrap()).await;
}

/// Nobody is in the queue: a connection of our own is the next one accepted.
async fn assert_no_connection(listener: TcpListener) {
    let own = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (_, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, own.local_addr().unwrap(), "somebody else connected first");
}

#[tokio::test]
async fn an_oversize_answer_is_lost() {
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n";
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n12345678901234567\r\n0\r\n\r\n";
    for answer in [announced.as_slice(), chunked.as_slice()] {
        let (url, _server) = answer_once(answer).await;
        let config = EgressConfig { max_body: 16, ..EgressConfig::default() };
        let error = egress(config).post_once(shot(&url, Arc::new(Open::default()))).await.unwrap_err();
        assert_eq!(error, EgressError::Lost(Cause::TooLong));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (url, server) =
        answer_once(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(post(&url).await.unwrap().status, 302);
    server.await.unwrap();
}

#[tokio::test]
async fn a_silent_server_is_lost() {
    let (url, server) = serve(async |listener: TcpListener| {
        let (mut stream, _) = listener.accept().await.unwrap();
        Seen::read(&mut stream).await;
        stream.read_u8().await.is_err()
    })
    .await;
    let config = EgressConfig { total_timeout: SOON, ..EgressConfig::default() };
    let error = egress(config).post_once(shot(&url, Arc::new(Open::default()))).await.unwrap_err();
    assert_eq!(error, EgressError::Lost(Cause::Timeout));
    assert!(server.await.unwrap(), "the connection is closed, not left half used");
}

#[tokio::test]
async fn only_a_fresh_connection_is_used_again() {
    for (max_idle, connections) in [(Duration::from_secs(60), 1), (Duration::ZERO, 2)] {
        let (url, server) = serve(move |listener: TcpListener| async move {
            let mut peers = std::collections::HashSet::new();
            let (mut stream, peer) = listener.accept().await.unwrap();
            peers.insert(peer);
            for request in 0..2 {
                if request == 1 && connections == 2 {
                    let (next, peer) = listener.accept().await.unwrap();
                    peers.insert(peer);
                    stream = next;
                }
                Seen::read(&mut stream).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
            }
            peers.len()
        })
        .await;
        let egress = egress(EgressConfig { max_idle, ..EgressConfig::default() });
        for _ in 0..2 {
            egress.post_once(shot(&url, Arc::new(Open::default()))).await.unwrap();
        }
        assert_eq!(server.await.unwrap(), connections);
    }
}

#[tokio::test]
async fn a_url_that_is_not_allowed_is_not_called() {
    for (url, refused) in [
        ("http://auth.example.com/token", UrlRefused::PlainHttp),
        ("https://u:p@auth.example.com/token", UrlRefused::Credentials),
    ] {
        let error = post(&url.parse().unwrap()).await.unwrap_err();
        assert_eq!(error, EgressError::Unsent(Cause::Url(refused)));
    }
}
