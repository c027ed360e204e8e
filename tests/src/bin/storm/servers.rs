//! A Postgres and a Redis of the storm's own.

use test_servers::{PostgresOptions, PrivatePostgres, PrivateRedis, RedisOptions};

use crate::plan::Plan;
use crate::stores::{LeaseAt, StoreAt};

/// Postgres breaks off the statement of a client that has died, and looks for that so often. Otherwise it would finish
/// what a killed replica has just asked for, and nothing would lie in escrow alone.
const NOTICES_DEATH: (&str, &str) = ("client_connection_check_interval", "2ms");

/// When a row was last written is evidence: an attempt that was closed in doubt may be adopted long after that.
const TELLS_COMMITS: (&str, &str) = ("track_commit_timestamp", "on");

/// The servers that the plan asks for. They end with this.
pub(crate) struct Servers {
    postgres: Option<PrivatePostgres>,
    redis: Option<PrivateRedis>,
}

impl Servers {
    /// Starts them.
    ///
    /// # Panics
    /// When there are none on this machine; the text says what to do.
    pub(crate) async fn start(plan: &Plan) -> Self {
        let mut servers = Self { postgres: None, redis: None };
        if plan.store == StoreAt::Private {
            let settings = [NOTICES_DEATH, TELLS_COMMITS];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            // What a killed replica has written, the kernel keeps: a disk would add its time and nothing else.
            let options = PostgresOptions { durable: false, settings };
            servers.postgres = Some(PrivatePostgres::start(options).await);
        }
        if plan.lease() == LeaseAt::Private {
            servers.redis = Some(PrivateRedis::start(RedisOptions::default()).await);
        }
        servers
    }

    /// Where Postgres is; `None` if it is not ours.
    pub(crate) fn postgres(&self) -> Option<&str> {
        self.postgres.as_ref().map(PrivatePostgres::url)
    }

    /// Where Redis is; `None` if it is not ours.
    pub(crate) fn redis(&self) -> Option<&str> {
        self.redis.as_ref().map(PrivateRedis::url)
    }
}
