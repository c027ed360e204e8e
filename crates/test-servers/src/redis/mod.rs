//! Redis for tests.

mod database;
mod launch;
mod private;
mod probe;
mod wire;

use std::sync::OnceLock;

pub use database::{TestRedis, redis_database};
pub use private::{PrivateRedis, RedisOptions};

use crate::bring::bring;
use crate::missing::{Missing, or_panic};
use crate::product::REDIS;
use crate::server::Server;
use crate::source::Use;

/// A Redis that many tests share. No test may hurt or flush it.
pub struct Redis {
    server: Server,
}

/// The Redis of this process, started by the first caller. It ends with the process.
///
/// # Panics
/// When there is none; the text says what to do.
pub async fn redis() -> &'static Redis {
    static SHARED: OnceLock<Result<Redis, Missing>> = OnceLock::new();
    // Off the caller's runtime: a start may take seconds.
    let shared = tokio::task::spawn_blocking(|| SHARED.get_or_init(Redis::bring)).await;
    or_panic(or_panic(shared).as_ref())
}

impl Redis {
    /// A server from the best source there is.
    pub(crate) fn bring() -> Result<Self, Missing> {
        let options = RedisOptions::default();
        let server = bring(&REDIS, Use::Shared, |source| launch::launch(source, &options))?;
        Ok(Self { server })
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Version and origin, for people.
    pub fn description(&self) -> String {
        format!("Redis {} from {}", self.server.version, self.server.origin)
    }
}
