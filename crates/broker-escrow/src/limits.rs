//! How large the journal may grow.

use std::time::Duration;

use crate::segment::HEADROOM;

const LARGEST_SEGMENT: u64 = 8 << 20;

/// How large the journal may grow and how long it keeps what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A segment this large is followed by a new one. Bytes.
    pub segment_bytes: u64,
    /// All segments together, earlier runs included. Bytes; at least four segments and 4 MiB.
    pub total_bytes: u64,
    /// Records of this run older than this may go; younger ones go when a grant has a newer one, or for want of room.
    pub keep: Duration,
}

impl Limits {
    /// Limits of a journal that may take `total_bytes`, which is to be 8 MiB or more.
    ///
    /// It needs about twice what the newest record of each grant takes, 2 KB in most cases, to keep them all.
    pub fn with_total(total_bytes: u64) -> Self {
        let segment_bytes = (total_bytes / 8).min(LARGEST_SEGMENT);
        Self { segment_bytes, total_bytes, keep: Duration::from_secs(24 * 3600) }
    }

    /// In the half that earlier runs cannot take there is room for the segment being written, a whole one before it,
    /// and what is reserved ahead: the oldest segment is then never let go before another one has followed it.
    pub(crate) fn suffice(&self) -> bool {
        let own = self.segment_bytes.saturating_mul(2).saturating_add(2 * HEADROOM);
        self.segment_bytes > 0 && self.total_bytes / 2 >= own
    }

    /// What earlier runs may take once they are settled: more, and nothing new could be claimed.
    pub(crate) fn earlier_bytes(&self) -> u64 {
        self.total_bytes / 2
    }
}

impl Default for Limits {
    /// 64 MiB in all.
    fn default() -> Self {
        Self::with_total(64 << 20)
    }
}
