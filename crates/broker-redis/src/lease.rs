//! Leases: a key that runs out by itself and is touched only by whoever holds it.
//!
//! An acquisition whose answer was lost may have happened all the same. Nobody knows its token then, and it runs out.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use broker_core::GrantId;
use broker_core::ports::{Lease, LeaseError, LeaseManager, LeaseOutcome, LeaseToken};
use redis::{Script, Value};

use crate::problem::Problem;
use crate::{RedisCoordinator, keys};

static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         return redis.call('PEXPIRE', KEYS[1], ARGV[2])",
    )
});

static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         return redis.call('DEL', KEYS[1])",
    )
});

#[async_trait]
impl LeaseManager for RedisCoordinator {
    async fn acquire(&self, grant: GrantId, ttl: Duration) -> Result<LeaseOutcome, LeaseError> {
        let token = LeaseToken::draw(self.entropy.as_ref());
        let mut set = redis::cmd("SET");
        set.arg(keys::lease(grant)).arg(token.as_bytes()).arg("NX").arg("PX").arg(millis(ttl));
        let answer = self.link.run(async |mut redis| set.query_async::<Value>(&mut redis).await).await;
        match answer.map_err(|problem| self.lease_error(problem))? {
            Value::Nil => Ok(LeaseOutcome::Taken),
            _ => Ok(LeaseOutcome::Held(Lease { grant, token })),
        }
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LeaseError> {
        let mut renew = RENEW.key(keys::lease(lease.grant));
        renew.arg(lease.token.as_bytes()).arg(millis(ttl));
        let renewed = self.link.run(async |mut redis| renew.invoke_async(&mut redis).await).await;
        renewed.map_err(|problem| self.lease_error(problem))
    }

    async fn release(&self, lease: Lease) -> Result<(), LeaseError> {
        let mut release = RELEASE.key(keys::lease(lease.grant));
        release.arg(lease.token.as_bytes());
        let released = self.link.run(async |mut redis| release.invoke_async(&mut redis).await).await;
        released.map_err(|problem| self.lease_error(problem))
    }
}

impl RedisCoordinator {
    fn lease_error(&self, problem: Problem) -> LeaseError {
        self.health.count_lease_error();
        LeaseError(Box::new(problem))
    }
}

/// At least one: Redis takes no less.
fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}
