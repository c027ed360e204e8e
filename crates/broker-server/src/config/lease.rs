//! `[lease]`: where leases, wake-ups and shared budgets are kept.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use broker_core::ports::BudgetLimits;
use broker_redis::RedisConfig;
use serde::Deserialize;

use super::SecretText;

/// `[lease]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeaseConfig {
    /// `in-process`, `redis://…` or `rediss://…`.
    pub url: Option<SecretText>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
    /// The ACL user; wins over the URL's.
    pub username: Option<String>,
    /// A file that holds the password; wins over the URL's.
    pub password_file: Option<PathBuf>,
    /// Certificate authorities to trust, PEM; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// How long opening a connection may take.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long an answer may take.
    #[serde(with = "humantime_serde")]
    pub response_timeout: Duration,
    /// How many replicas share the providers' budgets while Redis is away.
    pub fallback_share: NonZeroU16,
}

impl Default for LeaseConfig {
    fn default() -> Self {
        let redis = RedisConfig::new("");
        Self {
            url: None,
            url_file: None,
            username: None,
            password_file: None,
            ca_file: None,
            connect_timeout: redis.connect_timeout,
            response_timeout: redis.response_timeout,
            fallback_share: redis.fallback_share,
        }
    }
}

impl LeaseConfig {
    /// How to reach Redis; `None` for leases in this process.
    pub fn redis(&self, budgets: BudgetLimits) -> Result<Option<RedisConfig>, String> {
        let url = SecretText::given("[lease] url", self.url.as_ref(), self.url_file.as_deref())?;
        let url = match url.as_ref().map(SecretText::expose) {
            None | Some("in-process") => return Ok(None),
            Some(url) if url.starts_with("redis://") || url.starts_with("rediss://") => url,
            Some(_) => return Err("[lease] url must be in-process, redis://host or rediss://host".to_owned()),
        };
        let config = RedisConfig {
            username: self.username.clone(),
            password_file: self.password_file.clone(),
            ca_file: self.ca_file.clone(),
            connect_timeout: self.connect_timeout,
            response_timeout: self.response_timeout,
            fallback_share: self.fallback_share,
            budgets,
            ..RedisConfig::new(url)
        };
        config.check().map_err(|error| format!("[lease] {error}"))?;
        Ok(Some(config))
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, span) in
            [("connect_timeout", self.connect_timeout), ("response_timeout", self.response_timeout)]
        {
            if span.is_zero() {
                problems.push(format!("[lease] {key} must be longer than zero"));
            }
        }
        problems.extend(self.redis(BudgetLimits::new()).err());
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(url: &str) -> LeaseConfig {
        LeaseConfig { url: Some(SecretText::from(url.to_owned())), ..LeaseConfig::default() }
    }

    #[test]
    fn in_process_or_redis_and_nothing_else() {
        let redis = |config: LeaseConfig| config.redis(BudgetLimits::new()).map(|redis| redis.is_some());
        assert_eq!(redis(LeaseConfig::default()), Ok(false));
        assert_eq!(redis(with("in-process")), Ok(false));
        assert_eq!(redis(with("rediss://broker:hunter2@cache:6380/1")), Ok(true));
        for bad in ["memcached://hunter2@x", "redis://:hunter2@host:port", ""] {
            let problem = redis(with(bad)).unwrap_err();
            assert!(problem.starts_with("[lease]") && !problem.contains("hunter2"), "{bad}: {problem}");
        }
    }
}
