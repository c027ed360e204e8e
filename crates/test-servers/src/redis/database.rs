//! One test's part of a shared Redis.

use super::redis;
use super::wire::Connection;
use crate::names;

/// Removes every key with a prefix. The prefix has no letter that is special in a pattern.
const REMOVE: &str = "local cursor = '0' \
    repeat local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000) cursor = page[1] \
    for _, key in ipairs(page[2]) do redis.call('UNLINK', key) end until cursor == '0'; return 0";

/// A prefix that no other test uses. Dropping it removes its keys.
pub struct TestRedis {
    url: String,
    prefix: String,
}

/// A part of the shared Redis for one test.
///
/// # Panics
/// When there is no Redis; the text says what to do.
pub async fn redis_database() -> TestRedis {
    let url = redis().await.url().to_owned();
    TestRedis { url, prefix: format!("test_{}:", names::unique()) }
}

impl TestRedis {
    /// The server's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What every key and channel of this test must begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        let removed =
            Connection::open(&self.url).and_then(|mut redis| redis.ask(&["EVAL", REMOVE, "0", &self.prefix]));
        if let Err(error) = removed {
            eprintln!("test-servers: cannot remove the keys of {}: {error:#}", self.prefix);
        }
    }
}
