//! `[events]`: the log of what happened.

use std::time::Duration;

use serde::Deserialize;

const DAY: Duration = Duration::from_secs(86_400);

/// `[events]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// How long events are kept.
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self { keep: DAY * 90 }
    }
}

impl EventsConfig {
    pub(super) fn problems(&self) -> Vec<String> {
        match (DAY..=DAY * 3660).contains(&self.keep) {
            true => Vec::new(),
            false => vec!["[events] keep must be 1 day to 10 years".to_owned()],
        }
    }
}
