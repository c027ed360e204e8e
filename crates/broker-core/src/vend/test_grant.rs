//! A grant to decide about.

use std::time::Duration;

use crate::rotation::samples::sample_grant;
use crate::{Generation, Grant, Timestamp};

pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// At generation 5, active and idle, with an hour of its token left.
pub(super) fn grant() -> Grant {
    Grant {
        generation: Generation::new(5),
        issued_at: NOW,
        expires_at: NOW + Duration::from_secs(3600),
        consented_at: NOW,
        ..sample_grant()
    }
}
