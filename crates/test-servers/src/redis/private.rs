//! A Redis that belongs to one test.

use super::launch;
use crate::bring::bring;
use crate::missing::or_panic;
use crate::product::REDIS;
use crate::server::{End, Server};
use crate::source::Use;

/// How a Redis is started.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// More arguments of `redis-server`. Without any it keeps nothing on disk, so a restart empties it.
    pub arguments: Vec<String>,
}

/// A Redis that one test may kill, pause, flush and start again, on the same port. Dropping it ends it.
pub struct PrivateRedis {
    server: Server,
}

impl PrivateRedis {
    /// Starts one.
    ///
    /// # Panics
    /// When there is none on this machine; the text says what to do. So does every other method when it fails.
    pub async fn start(options: RedisOptions) -> Self {
        let start = move || bring(&REDIS, Use::Private, |source| launch::launch(source, &options));
        let server = or_panic(or_panic(tokio::task::spawn_blocking(start).await));
        Self { server }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// SIGKILL: a crash.
    pub async fn kill(&self) {
        self.server.end(End::Kill).await;
    }

    /// Stops the process: connections stay open, and nothing is answered.
    pub async fn pause(&self) {
        self.server.pause().await;
    }

    /// Lets it go on.
    pub async fn resume(&self) {
        self.server.resume().await;
    }

    /// Starts it again after `kill`, and waits until it can be used.
    pub async fn start_again(&self) {
        self.server.start_again().await;
    }
}
