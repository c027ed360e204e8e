//! How vends are recorded.

use std::time::Duration;

/// When an answer with a token may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VendRecording {
    /// At once: its record is written soon after. While records cannot be written for a time, no token is given.
    Bounded,
    /// Once its record is on disk.
    Strict,
}

/// The settings of a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecorderSettings {
    /// When answers are given.
    pub vends: VendRecording,
    /// How many records of vends may wait.
    pub waiting: usize,
    /// How long the oldest of them may wait.
    pub patience: Duration,
}

impl Default for RecorderSettings {
    fn default() -> Self {
        Self { vends: VendRecording::Bounded, waiting: 20_000, patience: Duration::from_secs(10) }
    }
}
