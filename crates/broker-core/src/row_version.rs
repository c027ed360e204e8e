//! Which change of a resource a caller has seen.

use crate::Timestamp;

/// The version of a resource that operators change: grows with each of their changes.
///
/// It begins with the microsecond of the creation, so that what is made anew under an old name has none of its old
/// versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowVersion(u64);

impl RowVersion {
    /// The version of that number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The version of what is created at this time.
    pub fn first(created_at: Timestamp) -> Self {
        Self(created_at.as_unix_micros().unsigned_abs())
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after one more change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
