//! A collector that is away changes nothing for callers.

use std::time::{Duration, Instant};

use broker_e2e::{LONGEST_WAIT, Provider};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{USER, ask_traced, plan, telemetry};

/// More than the queues of spans and log records hold together.
const CALLS: usize = 6_000;

/// What the process may grow by meanwhile, in KiB: full queues, and what allocators keep.
const GROWTH: u64 = 64 * 1024;

/// Longer than the last telemetry is waited for, shorter than that and a delivery that has just begun.
const END: Duration = Duration::from_secs(12);

/// Metrics are told all the time; each delivery has the time that it has by default, 10 s.
const OFTEN: &str = "metrics_interval = \"1s\"\n";

#[tokio::test]
async fn calls_succeed_and_memory_stays_bounded_while_nobody_takes_what_is_told() {
    // It takes connections and says nothing: the worst of collectors.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut house = plan(&telemetry(&endpoint, "grpc", OFTEN)).open().await;
    let key = house.consent(Provider::EagleEye, USER).await;
    ask_traced(&house, &key).await;
    let before = house.resident_kib();
    for _ in 0..CALLS {
        ask_traced(&house, &key).await;
    }
    let grown = house.resident_kib().saturating_sub(before);
    assert!(grown < GROWTH, "it grew by {grown} KiB");
    let began = Instant::now();
    house.stop().await;
    assert!(began.elapsed() < END, "the end took {:?}", began.elapsed());
    house.close().await;
}

#[tokio::test]
async fn the_end_waits_for_no_delivery_that_is_under_way() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut house = plan(&telemetry(&endpoint, "http", OFTEN)).open().await;
    // What is accepted stays open, and is never answered.
    let _held = tokio::time::timeout(LONGEST_WAIT, asked_for("/v1/metrics", silent)).await.unwrap();
    let began = Instant::now();
    house.stop().await;
    assert!(began.elapsed() < END, "the end took {:?}", began.elapsed());
    house.close().await;
}

/// Takes connections until one brings a request for that path. Answers with all that keeps them open.
async fn asked_for(path: &str, listener: TcpListener) -> impl Sized {
    let (mut heads, mut held) = (JoinSet::new(), Vec::new());
    loop {
        tokio::select! {
            connection = listener.accept() => {
                let (mut stream, _) = connection.unwrap();
                heads.spawn(async move {
                    let mut head = vec![0; 1024];
                    let length = stream.read(&mut head).await.unwrap();
                    (String::from_utf8_lossy(&head[..length]).into_owned(), stream)
                });
            }
            Some(head) = heads.join_next() => {
                let (head, stream) = head.unwrap();
                held.push(stream);
                if head.starts_with(&format!("POST {path} ")) {
                    return (listener, held);
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_told_of_once_for_each_signal() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut house = plan(&telemetry(&format!("http://{gone}"), "http", "timeout = \"1s\"\n")).open().await;
    let key = house.consent(Provider::EagleEye, USER).await;
    for _ in 0..100 {
        ask_traced(&house, &key).await;
    }
    house.stop().await;
    let log = house.child_log();
    for signal in ["traces", "logs", "metrics"] {
        let of_signal = format!("\"signal\":\"{signal}\"");
        let told = log.lines().filter(|line| {
            line.contains("telemetry is not taken by the collector") && line.contains(&of_signal)
        });
        assert_eq!(told.count(), 1, "{signal}: each kind of failure once, not each time");
    }
    house.close().await;
}
