//! What is counted, for metrics.

use crate::Timestamp;

/// What a sealer has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCount {
    /// Records sealed by this process.
    pub sealed: u64,
    /// How often a chain was shorter than this process had left it.
    pub heads_gone_back: u64,
    /// When the oldest record that is in no chain was made, as it was seen last.
    pub oldest_unsealed: Option<Timestamp>,
}

/// What a recorder has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecorderCount {
    /// Records of vends written.
    pub vends_written: u64,
    /// Records of vends that wait to be written.
    pub vends_waiting: u64,
    /// Vends refused because their record could not be written.
    pub vends_refused: u64,
    /// Records of failures written.
    pub failures_written: u64,
    /// Records of failures left out.
    pub failures_dropped: u64,
}
