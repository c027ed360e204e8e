//! Coordinators on one server, a clock moved by hand, and a way to wait for things.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use broker_core::ports::{
    CoordinationHealth, CoordinationState, Heard, LeaseManager, LeaseOutcome, News, Wakeup, WakeupStream,
};
use broker_core::testing::ManualClock;
use broker_core::{Generation, GrantId, Timestamp};
use broker_crypto::SeededEntropy;
use broker_redis::{RedisConfig, RedisCoordinator};
use redis::aio::MultiplexedConnection;

pub(crate) const TTL: Duration = Duration::from_secs(60);

static SEED: AtomicU64 = AtomicU64::new(1);

/// A replica's coordinator and its clock.
pub(crate) struct Replica {
    pub(crate) redis: Arc<RedisCoordinator>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Replica {
    pub(crate) fn on(url: impl Into<String>) -> Self {
        Self::with(RedisConfig::new(url))
    }

    pub(crate) fn with(config: RedisConfig) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000)));
        let entropy = Arc::new(SeededEntropy::new(SEED.fetch_add(1, Ordering::Relaxed)));
        let redis = RedisCoordinator::connect(config, clock.clone(), entropy).unwrap();
        Self { redis, clock }
    }

    /// One that has reached Redis with both connections.
    pub(crate) async fn ready(url: impl Into<String>) -> Self {
        let replica = Self::on(url);
        replica.until_healthy().await;
        replica
    }

    pub(crate) fn health(&self) -> Arc<CoordinationHealth> {
        self.redis.health()
    }

    /// The name of the present problem, if there is one.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match self.health().snapshot().state {
            CoordinationState::Healthy => None,
            CoordinationState::Degraded { problem, .. } => Some(problem),
        }
    }

    pub(crate) async fn until_healthy(&self) {
        self.until(|| self.problem().is_none()).await;
    }

    /// Lets time pass on the clock until it is so.
    pub(crate) async fn until(&self, is_so: impl Fn() -> bool) {
        for _ in 0..4_000 {
            if is_so() {
                return;
            }
            self.clock.advance(Duration::from_millis(50));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it did not come to be so; the problem is {:?}", self.problem());
    }

    /// What the lease manager answers: `Ok(true)` for held.
    pub(crate) async fn asks(&self, grant: GrantId) -> Result<bool, String> {
        let outcome = self.redis.acquire(grant, TTL).await;
        outcome.map(|outcome| outcome != LeaseOutcome::Taken).map_err(|error| chain(&error))
    }
}

pub(crate) fn grant(number: u8) -> GrantId {
    GrantId::from_bytes([number; 16])
}

pub(crate) fn adopted(generation: u64) -> Wakeup {
    Wakeup { grant: grant(1), generation: Generation::new(generation), news: News::Adopted }
}

/// What is heard next; fails rather than waiting for ever.
pub(crate) async fn heard(stream: &mut WakeupStream) -> Heard {
    let next = tokio::time::timeout(Duration::from_secs(30), stream.next()).await;
    next.expect("something is heard").expect("the stream goes on")
}

/// The next news, gaps left out.
pub(crate) async fn news(stream: &mut WakeupStream) -> Wakeup {
    loop {
        if let Heard::News(wakeup) = heard(stream).await {
            return wakeup;
        }
    }
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A connection that the coordinator knows nothing of.
pub(crate) async fn redis(url: &str) -> MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

pub(crate) async fn flush(url: &str) {
    redis::cmd("FLUSHALL").exec_async(&mut redis(url).await).await.unwrap();
}
