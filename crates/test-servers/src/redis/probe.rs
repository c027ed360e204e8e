//! Whether a Redis can be used for the tests.

use anyhow::{Context as _, Result, ensure};

use super::wire::Connection;
use crate::product::REDIS;
use crate::version::Version;

/// Its version, if that is new enough.
pub(super) fn version(url: &str) -> Result<Version> {
    let info = Connection::open(url)?.ask(&["INFO", "server"])?;
    let version = within(&info).context("INFO names no redis_version")?;
    ensure!(version.major >= REDIS.least, "Redis {version} is too old: {} is needed", REDIS.least);
    Ok(version)
}

fn within(info: &str) -> Option<Version> {
    info.lines().find_map(|line| line.strip_prefix("redis_version:")).and_then(Version::within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_info_says() {
        let info = "# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:00000000\r\n";
        assert_eq!(within(info), Version::within("7.0.15"));
    }
}
