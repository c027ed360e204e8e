//! Redis down, killed, stopped: the answer is an error at once, and everything heals by itself.

use std::time::Duration;

use broker_core::ports::{CoordinationState, LeaseManager, LeaseOutcome};
use broker_redis::RedisConfig;

use crate::proxy::Proxy;
use crate::server::RedisServer;
use crate::world::{Replica, TTL, grant};

const RESTING: &str = "left alone";

#[tokio::test]
async fn a_start_without_redis_is_degraded_and_heals_when_it_comes() {
    let mut server = RedisServer::not_started();
    let replica = Replica::on(server.url());
    assert!(replica.problem().is_some());
    let error = replica.asks(grant(1)).await.unwrap_err();
    assert!(error.contains("cannot be reached") || error.contains(RESTING), "{error}");
    replica.until(|| replica.problem() == Some("unreachable")).await;
    assert!(replica.health().snapshot().lease_errors >= 1);

    server.restart().await;
    replica.until_healthy().await;
    assert_eq!(replica.asks(grant(1)).await, Ok(true));
}

#[tokio::test]
async fn after_a_failure_redis_is_not_asked_again_until_it_has_rested() {
    let mut server = RedisServer::start().await;
    let replica = Replica::ready(server.url()).await;
    server.kill().await;
    // The driver notices the end of the connection by itself, or at this command.
    let first = replica.asks(grant(1)).await.unwrap_err();
    assert!(!first.contains(RESTING), "{first}");
    server.restart().await;
    for _ in 0..100 {
        let error = replica.asks(grant(1)).await.unwrap_err();
        assert!(error.contains(RESTING), "{error}");
    }
    assert_eq!(replica.health().snapshot().lease_errors, 101);
    replica.clock.advance(Duration::from_secs(1));
    assert_eq!(replica.asks(grant(1)).await, Ok(true));
}

#[tokio::test]
async fn a_stopped_redis_costs_one_timeout_and_then_nothing() {
    let server = RedisServer::start().await;
    let replica = Replica::ready(server.url()).await;
    server.pause().await;
    let first = replica.asks(grant(1)).await.unwrap_err();
    assert!(first.contains("in time"), "{first}");
    assert_eq!(replica.problem(), Some("timeout"));
    let second = replica.asks(grant(1)).await.unwrap_err();
    assert!(second.contains(RESTING), "{second}");

    server.resume().await;
    replica.until_healthy().await;
    assert_eq!(replica.asks(grant(2)).await, Ok(true));
}

#[tokio::test]
async fn a_connection_that_fell_silent_is_not_used_again() {
    let server = RedisServer::start().await;
    let proxy = Proxy::before(server.port()).await;
    let replica = Replica::ready(proxy.url()).await;
    proxy.silence_present_connections();
    let error = replica.asks(grant(1)).await.unwrap_err();
    assert!(error.contains("in time"), "{error}");
    // Less than a heartbeat, so that the subscription has noticed nothing yet.
    replica.clock.advance(Duration::from_secs(1));
    assert_eq!(replica.asks(grant(2)).await, Ok(true));
}

#[tokio::test]
async fn a_herd_that_finds_no_redis_waits_for_one_attempt_only() {
    // A listener that never answers: each attempt to log in takes the whole connect timeout.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = RedisConfig::new(format!("redis://:hunter2@{}/", deaf.local_addr().unwrap()));
    config.connect_timeout = Duration::from_millis(100);
    let replica = Replica::with(config);
    let herd = (0..50).map(|_| replica.asks(grant(1)));
    let answers = futures_util::future::join_all(herd).await;
    let errors: Vec<_> = answers.into_iter().map(Result::unwrap_err).collect();
    let waited = errors.iter().filter(|error| !error.contains(RESTING)).count();
    assert!(waited <= 1, "{waited} waited: {errors:?}");
    assert!(errors.iter().all(|error| !error.contains("hunter2")));
}

#[tokio::test]
async fn health_says_since_when_and_forgets_it_afterwards() {
    let mut server = RedisServer::start().await;
    let replica = Replica::ready(server.url()).await;
    let LeaseOutcome::Held(lease) = replica.redis.acquire(grant(1), TTL).await.unwrap() else {
        panic!("the lease is free")
    };
    server.kill().await;
    assert!(replica.redis.renew(&lease, TTL).await.is_err());
    let CoordinationState::Degraded { since, .. } = replica.health().snapshot().state else {
        panic!("Redis is gone")
    };
    server.restart().await;
    replica.until_healthy().await;
    assert!(!replica.redis.renew(&lease, TTL).await.unwrap(), "the new server knows no lease");
    server.kill().await;
    replica.until(|| replica.problem().is_some()).await;
    let CoordinationState::Degraded { since: again, .. } = replica.health().snapshot().state else {
        panic!("Redis is gone")
    };
    assert!(again > since);
}
