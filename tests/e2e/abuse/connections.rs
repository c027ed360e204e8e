//! Very many connections, and those that are not used.

use std::time::Duration;

use broker_e2e::{Client, House, LONGEST_WAIT, ask, http};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::good::{GROWTH, attacked, unimpressed};
use broker_e2e::raw::{END_HEADERS, END_STREAM, GET_TOKEN, GOAWAY, HEADERS, PING, Raw, call, frame};

const IDLE: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_connections_are_closed_and_cost_nobody_anything() {
    let (house, key) = attacked("first_call_timeout = \"2s\"\n").await;
    let attack = async {
        let mut idle = Vec::new();
        for number in 0..IDLE {
            // Half of them say at least that they speak HTTP/2.
            match number % 2 {
                0 => idle.push(Idle::Silent(TcpStream::connect(house.grpc()).await.unwrap())),
                _ => idle.push(Idle::Polite(Raw::connect(house.grpc()).await)),
            }
        }
        for connection in idle {
            connection.until_closed().await;
        }
    };
    let ((), grown) = unimpressed(&house, &key, attack).await;
    assert!(grown < GROWTH, "it grew by {grown} bytes");
    house.close().await;
}

enum Idle {
    Silent(TcpStream),
    Polite(Raw),
}

impl Idle {
    async fn until_closed(self) {
        match self {
            Self::Silent(mut stream) => ended(&mut stream).await,
            Self::Polite(mut raw) => drop(raw.to_end().await),
        }
    }
}

/// A reset is an end as well.
async fn ended(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let ending = stream.read_to_end(&mut rest);
    let _ = tokio::time::timeout(LONGEST_WAIT, ending).await.expect("the connection stays open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_those_that_may_be_are_closed_at_once_and_those_there_are_go_on() {
    let (house, key) = attacked("connections = 20\nhttp_connections = 10\n").await;
    // The client of the house has one.
    let mut held = Vec::new();
    for _ in 0..19 {
        held.push(Raw::connect(house.grpc()).await);
    }
    // The last of them is served: all the others before it are counted.
    let mut last = held.pop().unwrap();
    last.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &call(GET_TOKEN))).await;
    assert!(last.until(|heard| heard.kind == HEADERS).await.is_some());
    for _ in 0..5 {
        ended(&mut TcpStream::connect(house.grpc()).await.unwrap()).await;
    }
    house.vend(&key).await.unwrap();
    assert!(house.child_log().contains("as many connections as may be"), "it is told");
    let (_, page) = http::get(house.http(), "/metrics", "").await;
    for line in ["connections{listener=\"grpc\"} 20", "connections_refused_total{listener=\"grpc\"} 5"] {
        assert!(page.contains(&format!("token_broker_{line}\n")), "{line} is not in {page}");
    }
    drop(last);
    until_served(&house, &key).await;
    drop(held);

    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_browsers_have_all_connections_probes_are_answered_and_pages_are_not() {
    let (house, _key) = attacked("http_connections = 10\nhttp_header_timeout = \"60s\"\n").await;
    let mut browsers = Vec::new();
    for _ in 0..10 {
        browsers.push(TcpStream::connect(house.http()).await.unwrap());
    }
    for _ in 0..40 {
        for probe in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(http::get(house.http(), probe, "").await.0, 200, "{probe}");
        }
        let (status, said) = http::get(house.http(), "/oauth/callback/evercam", "").await;
        assert!(status == 503 && said.ends_with("too many connections; try again\n"), "{said}");
    }
    // The reserve ends too, and those in it have a second to ask.
    let mut silent = Vec::new();
    for _ in 0..17 {
        silent.push(TcpStream::connect(house.http()).await.unwrap());
    }
    for stream in &mut silent {
        ended(stream).await;
    }
    assert_eq!(http::get(house.http(), "/livez", "").await.0, 200);
    drop(browsers);
    house.close().await;
}

/// Room comes back.
async fn until_served(house: &House, key: &broker_proto::v1::GrantKey) {
    let served = async {
        while Client::connect(house.grpc()).await.token(ask(key)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, served).await.expect("there is room again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_end_by_age() {
    let (house, key) = attacked("connection_age = \"300ms\"\nconnection_grace = \"1s\"\n").await;
    let attack = async {
        // It is told in order.
        assert!(used(&house).await.until(|heard| heard.kind == GOAWAY).await.is_some());
        // Who does not go is cut off.
        drop(used(&house).await.to_end().await);
        // A call that never ends has the grace alone.
        let mut open = Raw::connect(house.grpc()).await;
        open.send(&frame(HEADERS, END_HEADERS, 1, &call(GET_TOKEN))).await;
        assert!(open.until(|_| false).await.is_none());
    };
    unimpressed(&house, &key, attack).await;
    assert_eq!(http::get(house.http(), "/livez", "").await.0, 200);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_end_by_silence() {
    let (house, key) = attacked("idle_timeout = \"300ms\"\n").await;
    let attack = async {
        // It answers every ping, and has no call any more: it is told in order, and goes.
        let mut silent = used(&house).await;
        assert!(silent.until(|heard| heard.kind == GOAWAY).await.is_some());
        assert!(silent.until(|_| false).await.is_none());
    };
    unimpressed(&house, &key, attack).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_end_by_death() {
    let (house, key) = attacked("keepalive_interval = \"300ms\"\nkeepalive_timeout = \"300ms\"\n").await;
    let attack = async {
        // Who answers no ping is dead.
        drop(used(&house).await.to_end().await);
        // Who answers is not: it hears of more than one.
        let mut alive = used(&house).await;
        let mut pings = 0;
        let third = alive.until(|heard| {
            pings += usize::from(heard.kind == PING);
            pings == 3
        });
        assert!(third.await.is_some());
    };
    unimpressed(&house, &key, attack).await;
    house.close().await;
}

/// A connection with a call that was answered.
async fn used(house: &House) -> Raw {
    let mut raw = Raw::connect(house.grpc()).await;
    raw.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &call(GET_TOKEN))).await;
    assert!(raw.until(|heard| heard.kind == HEADERS).await.is_some());
    raw
}
