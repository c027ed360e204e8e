//! What is said in plaintext, or not at all.

use std::time::Duration;

use broker_e2e::LONGEST_WAIT;
use broker_e2e::raw::hello;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::transport::Endpoint;

use super::RECORDER;
use super::caller::Caller;
use super::caller::Reception::{CutOff, Known};
use super::setting::{Setting, until};
use crate::abuse::{GROWTH, memory};
use broker_e2e::authority::Authority;

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

/// Slow loris: each byte comes in time, and the handshake does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_comes_byte_by_byte_is_not_waited_for() {
    let authority = Authority::new();
    // Fewer at once than there are: those who call are not behind them all the same.
    let limits = "[limits]\nhandshakes = 50\nhandshake_timeout = \"500ms\"\n";
    let setting = Setting::mtls(&authority.pem(), limits).await;
    let caller = setting.caller().with_identity(authority.workload(RECORDER));
    assert_eq!(caller.call(setting.grpc()).await, Known);
    let before = memory(setting.pid());
    let mut dripping = JoinSet::new();
    for _ in 0..200 {
        dripping.spawn(drip(TcpStream::connect(setting.grpc()).await.unwrap()));
    }
    let cut_off = async { while dripping.join_next().await.transpose().unwrap().is_some() {} };
    let calling = async {
        for _ in 0..10 {
            assert_eq!(caller.call(setting.grpc()).await, Known);
        }
    };
    let both = async { tokio::join!(cut_off, calling) };
    tokio::time::timeout(LONGEST_WAIT, both)
        .await
        .expect("they are cut off, and a caller is served meanwhile");
    let grown = memory(setting.pid()).saturating_sub(before);
    assert!(grown < GROWTH, "it grew by {grown} bytes");
    setting.end().await;
}

/// Says hello as slowly as it can, until nobody listens.
async fn drip(mut stream: TcpStream) {
    for byte in hello() {
        if stream.write_all(&[byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the whole hello was waited for");
}

#[tokio::test]
async fn a_broker_that_is_not_believed_is_not_called() {
    let setting = Setting::mtls(&Authority::new().pem(), "").await;
    let believes_others = Caller::of(Authority::new().pem());
    assert_eq!(believes_others.call(setting.grpc()).await, CutOff);
    setting.end().await;
}
