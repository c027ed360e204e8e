//! `[audit]`: how what was done is recorded.

use std::time::Duration;

use broker_core::{RecorderSettings, VendRecording};
use serde::Deserialize;

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// When a token may be given.
    pub vends: VendsConfig,
    /// How many records of vends may wait to be written.
    pub vends_waiting: usize,
    /// How long the oldest of them may wait.
    #[serde(with = "humantime_serde")]
    pub vends_wait: Duration,
    /// Write records to standard output too.
    pub stdout: bool,
}

/// When a token may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VendsConfig {
    /// Its record is written soon after.
    Bounded,
    /// Its record is on disk.
    Strict,
}

impl Default for AuditConfig {
    fn default() -> Self {
        let RecorderSettings { vends: _, waiting, patience } = RecorderSettings::default();
        Self { vends: VendsConfig::Bounded, vends_waiting: waiting, vends_wait: patience, stdout: false }
    }
}

impl AuditConfig {
    /// The settings of a recorder.
    pub fn recorder(&self) -> RecorderSettings {
        let vends = match self.vends {
            VendsConfig::Bounded => VendRecording::Bounded,
            VendsConfig::Strict => VendRecording::Strict,
        };
        RecorderSettings { vends, waiting: self.vends_waiting, patience: self.vends_wait }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=1_000_000).contains(&self.vends_waiting) {
            problems.push("[audit] vends_waiting must be 1 to 1000000".to_owned());
        }
        if self.vends_wait.is_zero() {
            problems.push("[audit] vends_wait must be longer than zero".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_may_wait_without_bound_and_something_must_be_able_to() {
        assert!(AuditConfig::default().problems().is_empty());
        for bad in [0, 1_000_001] {
            let config = AuditConfig { vends_waiting: bad, ..AuditConfig::default() };
            assert_eq!(config.problems().len(), 1, "{bad}");
        }
        let config = AuditConfig { vends_wait: Duration::ZERO, ..AuditConfig::default() };
        assert_eq!(config.problems().len(), 1);
    }
}
