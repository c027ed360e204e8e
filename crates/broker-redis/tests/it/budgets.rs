//! One budget for all replicas, and a careful part of it without Redis.

use std::num::NonZeroU16;

use broker_core::ProviderName;
use broker_core::ports::{BudgetLimit, ProviderBudget};
use broker_redis::RedisConfig;

use crate::server::RedisServer;
use crate::world::{Replica, flush, redis};

fn provider() -> ProviderName {
    ProviderName::new("evercam").unwrap()
}

fn config(url: &str, per_second: f64, burst: u32) -> RedisConfig {
    let mut config = RedisConfig::new(url);
    config.budgets.insert(provider(), BudgetLimit::new(per_second, burst).unwrap());
    config.fallback_share = NonZeroU16::new(4).unwrap();
    config
}

async fn ready(config: RedisConfig) -> Replica {
    let replica = Replica::with(config);
    replica.until_healthy().await;
    replica
}

#[tokio::test]
async fn replicas_take_from_one_bucket() {
    let server = RedisServer::start().await;
    // So slow that nothing comes back during the test.
    let config = config(&server.url(), 0.001, 10);
    let (one, other) = (ready(config.clone()).await, ready(config).await);
    assert_eq!(one.redis.take(&provider(), 7).await, 7);
    assert_eq!(other.redis.take(&provider(), 7).await, 3);
    assert_eq!(one.redis.take(&provider(), 1).await, 0);
    assert_eq!(one.redis.take(&ProviderName::new("other").unwrap(), 99).await, 99);
    assert_eq!(one.health().snapshot().budget_fallbacks, 0);
    flush(&server.url()).await;
    assert_eq!(other.redis.take(&provider(), 99).await, 10, "an emptied Redis costs one burst");
}

#[tokio::test]
async fn the_bucket_fills_at_its_rate_on_the_clock_of_redis() {
    let server = RedisServer::start().await;
    let config = config(&server.url(), 500.0, 20);
    let (one, other) = (ready(config.clone()).await, ready(config).await);
    let started = micros(&server.url()).await;
    let (mut granted, mut asked) = (0, 0);
    while granted < 200 {
        granted += one.redis.take(&provider(), 3).await + other.redis.take(&provider(), 2).await;
        asked += 1;
        assert!(asked < 1_000_000, "the bucket does not fill");
    }
    let passed = (micros(&server.url()).await - started) as f64 / 1e6;
    assert!(f64::from(granted) <= 20.0 + 500.0 * passed, "{granted} in {passed} s");
}

#[tokio::test]
async fn without_redis_a_replica_keeps_to_its_part() {
    let server = RedisServer::not_started();
    let replica = Replica::with(config(&server.url(), 0.001, 20));
    assert_eq!(replica.redis.take(&provider(), 99).await, 5);
    assert_eq!(replica.redis.take(&provider(), 99).await, 0);
    assert_eq!(replica.health().snapshot().budget_fallbacks, 2);
}

#[tokio::test]
async fn a_key_altered_by_a_foreign_hand_is_a_full_bucket_or_none() {
    let server = RedisServer::start().await;
    let replica = ready(config(&server.url(), 0.001, 20)).await;
    let key = "tokenbroker:v1:budget:{evercam}";
    let mut redis = redis(&server.url()).await;
    redis::cmd("SET").arg(key).arg("junk").exec_async(&mut redis).await.unwrap();
    assert_eq!(replica.redis.take(&provider(), 99).await, 20);
    redis::pipe().cmd("DEL").arg(key).cmd("RPUSH").arg(key).arg(1).exec_async(&mut redis).await.unwrap();
    assert_eq!(replica.redis.take(&provider(), 99).await, 5, "its own part");
}

async fn micros(url: &str) -> u64 {
    let time: (u64, u64) = redis::cmd("TIME").query_async(&mut redis(url).await).await.unwrap();
    time.0 * 1_000_000 + time.1
}
