//! When the attempt of a replica that is gone may be settled without its answer: one pure decision (rule 7).

use std::time::Duration;

use crate::ports::{Orphan, OwnerFate};
use crate::{AttemptKind, ReusePolicy, RotationMode, Timestamp, Timing};

/// A presentation this close to the end of a provider's grace is not made: it could arrive after it.
const GRACE_MARGIN: Duration = Duration::from_secs(2);

/// How long after it was first sent a grace provider's token may be presented again.
pub(super) fn usable_grace(grace: Duration) -> Duration {
    grace.saturating_sub(GRACE_MARGIN)
}

/// What may be done about an orphaned attempt now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fence {
    /// Not one byte was written and none will be: give the claim back.
    Unsent,
    /// Its outcome is unknown and stays so: close it, in doubt.
    InDoubt,
    /// Its answer may still be found, or its request still be processed.
    Wait,
}

/// Decides for an attempt whose owner is gone.
pub(super) fn fence(orphan: &Orphan, mode: RotationMode, now: Timestamp, timing: &Timing) -> Fence {
    let owner = &orphan.owner;
    let Some(sent_at) = orphan.attempt.sent_at else {
        // SENT is refused for an attempt that was closed: even an owner that was only frozen cannot write any more.
        let over = owner.drained_at.is_some() || now >= orphan.attempt.claimed_at + timing.lease_ttl;
        return if over { Fence::Unsent } else { Fence::Wait };
    };
    let answer_lost = escrow_drained(owner, sent_at, now, timing);
    let free = match (orphan.attempt.kind, mode) {
        // Its code cannot be presented again: all there is to wait for is the journal.
        (AttemptKind::CodeExchange(_), _) => answer_lost,
        (AttemptKind::Refresh, RotationMode::Reusable) => true,
        (AttemptKind::Refresh, RotationMode::Grace(grace)) if in_grace(orphan, usable_grace(grace), now) => {
            true
        }
        (AttemptKind::Refresh, RotationMode::SingleUse(ReusePolicy::Reject)) => answer_lost,
        (AttemptKind::Refresh, RotationMode::SingleUse(_) | RotationMode::Grace(_)) => {
            answer_lost && now >= sent_at + timing.orphan_wait
        }
    };
    if free { Fence::InDoubt } else { Fence::Wait }
}

/// Whether the refresh token may still be presented again within the provider's grace.
fn in_grace(orphan: &Orphan, usable: Duration, now: Timestamp) -> bool {
    let first = orphan.first_sent_at.or(orphan.attempt.sent_at);
    first.is_some_and(|first| now <= first + usable)
}

/// Whether no answer can be found any more: the journal was replayed, or was waited for long enough.
fn escrow_drained(owner: &OwnerFate, sent_at: Timestamp, now: Timestamp, timing: &Timing) -> bool {
    let alive_until = owner.last_heartbeat.unwrap_or(sent_at).max(sent_at);
    owner.drained_at.is_some() || now >= alive_until + timing.death_detection + timing.escrow_wait
}

#[cfg(test)]
#[path = "fence_tests.rs"]
mod tests;
