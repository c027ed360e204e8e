//! Leases in Redis do what every lease does, and are of all replicas.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker_core::ports::{Lease, LeaseManager, LeaseOutcome};
use broker_core::testing::lease_suite::LeaseWorld;

use crate::server::RedisServer;
use crate::world::{Replica, TTL, flush, grant, redis};

struct InRedis {
    replica: Replica,
    _server: RedisServer,
}

impl InRedis {
    async fn new() -> Self {
        let server = RedisServer::start().await;
        Self { replica: Replica::ready(server.url()).await, _server: server }
    }
}

#[async_trait]
impl LeaseWorld for InRedis {
    fn leases(&self) -> Arc<dyn LeaseManager> {
        self.replica.redis.clone()
    }

    async fn step(&self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

broker_core::lease_conformance!(InRedis::new().await);

async fn held(replica: &Replica) -> Lease {
    match replica.redis.acquire(grant(1), TTL).await.unwrap() {
        LeaseOutcome::Held(lease) => lease,
        LeaseOutcome::Taken => panic!("the lease is free"),
    }
}

#[tokio::test]
async fn a_lease_excludes_other_replicas() {
    let server = RedisServer::start().await;
    let (one, other) = (Replica::ready(server.url()).await, Replica::ready(server.url()).await);
    let lease = held(&one).await;
    assert_eq!(other.asks(grant(1)).await, Ok(false));
    one.redis.release(lease).await.unwrap();
    assert_eq!(other.asks(grant(1)).await, Ok(true));
}

#[tokio::test]
async fn a_lease_is_kept_under_a_hash_tagged_key_that_runs_out() {
    let server = RedisServer::start().await;
    let replica = Replica::ready(server.url()).await;
    let lease = held(&replica).await;
    replica.redis.renew(&lease, 2 * TTL).await.unwrap();
    let key = format!("tokenbroker:v1:lease:{{{}}}", lease.grant);
    let mut redis = redis(&server.url()).await;
    let (value, left): (Vec<u8>, u64) =
        redis::pipe().cmd("GET").arg(&key).cmd("PTTL").arg(&key).query_async(&mut redis).await.unwrap();
    assert_eq!(value, lease.token.as_bytes());
    assert!(left > 60_000 && left <= 120_000, "{left}");
}

#[tokio::test]
async fn a_lease_that_redis_forgot_is_lost_and_its_release_touches_nobody() {
    let server = RedisServer::start().await;
    let (one, other) = (Replica::ready(server.url()).await, Replica::ready(server.url()).await);
    let lost = held(&one).await;
    flush(&server.url()).await;
    assert!(!one.redis.renew(&lost, TTL).await.unwrap());
    let present = held(&other).await;
    assert!(!one.redis.renew(&lost, TTL).await.unwrap());
    one.redis.release(lost).await.unwrap();
    assert!(other.redis.renew(&present, TTL).await.unwrap());
}
