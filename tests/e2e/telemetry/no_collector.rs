//! A collector that is away changes nothing for callers.

use std::time::{Duration, Instant};

use broker_e2e::Provider;
use tokio::net::TcpListener;

use super::{USER, ask_traced, plan, telemetry};

/// More than the queues of spans and log records hold together.
const CALLS: usize = 6_000;

/// What the process may grow by meanwhile, in KiB: full queues, and what allocators keep.
const GROWTH: u64 = 64 * 1024;

/// Longer than the last telemetry is waited for, shorter than anything else in the broker.
const END: Duration = Duration::from_secs(12);

#[tokio::test]
async fn calls_succeed_and_memory_stays_bounded_while_nobody_takes_what_is_told() {
    // It takes connections and says nothing: the worst of collectors.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let more = "timeout = \"1s\"\nmetrics_interval = \"1s\"\n";
    let mut house = plan(&telemetry(&endpoint, "grpc", more)).open().await;
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
async fn nobody_at_the_address_is_told_of_once() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut house = plan(&telemetry(&format!("http://{gone}"), "http", "timeout = \"1s\"\n")).open().await;
    let key = house.consent(Provider::EagleEye, USER).await;
    for _ in 0..100 {
        ask_traced(&house, &key).await;
    }
    house.stop().await;
    let told = house.child_log().matches("telemetry is not taken by the collector").count();
    assert_eq!(told, 1, "each kind of failure once, not each time");
    house.close().await;
}
