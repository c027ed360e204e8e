//! What is said in plaintext, or not at all.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;

use super::RECORDER;
use super::authority::Authority;
use super::caller::Caller;
use super::caller::Reception::{CutOff, Known};
use super::setting::{Setting, until};

#[tokio::test]
async fn plaintext_is_cut_off() {
    let setting = Setting::mtls(&Authority::new().pem(), "").await;
    let plain = Endpoint::from_shared(format!("http://{}", setting.grpc())).unwrap();
    let channel = plain.connect_lazy();
    assert_eq!(Caller::default().call_over(channel).await, CutOff);

    let mut stream = TcpStream::connect(setting.grpc()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: broker\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
    until("the line", async || setting.log().contains("a caller was turned away")).await;
    let metrics = setting.page("/metrics").await;
    assert!(metrics.contains("token_broker_callers_turned_away_total{reason=\"handshake\"}"), "{metrics}");
    setting.end().await;
}

#[tokio::test]
async fn who_connects_and_says_nothing_keeps_nobody_waiting() {
    let authority = Authority::new();
    let setting = Setting::mtls(&authority.pem(), "").await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(setting.grpc()).await.unwrap());
    }
    let caller = setting.caller().with_identity(authority.workload(RECORDER));
    let call = tokio::time::timeout(Duration::from_secs(8), caller.call(setting.grpc()));
    assert_eq!(call.await.expect("it is not behind those who wait"), Known);
    drop(silent);
    setting.end().await;
}

#[tokio::test]
async fn a_broker_that_is_not_believed_is_not_called() {
    let setting = Setting::mtls(&Authority::new().pem(), "").await;
    let believes_others = Caller::of(Authority::new().pem());
    assert_eq!(believes_others.call(setting.grpc()).await, CutOff);
    setting.end().await;
}
