//! How large the journal may grow.

use std::time::Duration;

use crate::segment::HEADROOM;

/// How large the journal may grow and how long it keeps what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A segment this large is followed by a new one. Bytes.
    pub segment_bytes: u64,
    /// All segments together, earlier runs included. Bytes; at least two segments and 2 MiB.
    pub total_bytes: u64,
    /// Records of this run older than this may go.
    pub keep: Duration,
}

impl Limits {
    /// Room for the segment being written, a whole one before it, and what is reserved ahead: the oldest segment is
    /// then never let go before another one has followed it.
    pub(crate) fn suffice(&self) -> bool {
        self.total_bytes >= self.segment_bytes.saturating_mul(2).saturating_add(2 * HEADROOM)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment_bytes: 8 << 20, total_bytes: 64 << 20, keep: Duration::from_secs(24 * 3600) }
    }
}
