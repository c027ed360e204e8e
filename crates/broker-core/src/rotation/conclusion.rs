//! What a failed refresh makes of a grant: one pure decision.

use std::time::Duration;

use crate::ports::GrantAfter;
use crate::schedule::retry_delay;
use crate::{
    ConsentCause, FailureKind, Grant, LastFailure, Lifecycle, Phase, ProviderFailure, ReusePolicy,
    RotationMode, Timestamp, Timing,
};

/// Decides by the rules of `docs/rotation.md`. `draw` in [0, 1) spreads retries apart.
pub(super) fn conclude(
    before: &Grant,
    mode: RotationMode,
    failure: &ProviderFailure,
    now: Timestamp,
    timing: &Timing,
    draw: f64,
) -> GrantAfter {
    let same = before.last_failure.as_ref().filter(|last| last.kind == failure.kind);
    let in_a_row = same.map_or(0, |last| last.in_a_row).saturating_add(1);
    let retry = retry_delay(in_a_row, timing.retry_base, timing.retry_cap, draw)
        .max(failure.retry_after.unwrap_or_default());
    let mut after = GrantAfter {
        lifecycle: Lifecycle::Active,
        phase: resting_phase(before),
        tainted: before.tainted,
        due_at: Some(now + retry),
        failure: Some(LastFailure {
            kind: failure.kind,
            at: now,
            oauth_error: failure.oauth_error.clone(),
            http_status: failure.http_status,
            in_a_row,
        }),
    };
    match failure.kind {
        FailureKind::DeadToken => dead_token(before, now, timing, &mut after),
        FailureKind::Uncertain => uncertain(before, mode, failure, now, timing, &mut after),
        FailureKind::ClientRejected
        | FailureKind::UnlabelledRefusal
        | FailureKind::Throttled
        | FailureKind::Unreachable
        | FailureKind::Refused
        | FailureKind::Internal => {}
    }
    after
}

/// The phase without an open attempt: doubt and suspicion outlast an attempt that settled nothing.
fn resting_phase(before: &Grant) -> Phase {
    match before.phase {
        Phase::Suspect => Phase::Suspect,
        _ if before.tainted => Phase::Uncertain,
        _ => Phase::Idle,
    }
}

fn dead_token(before: &Grant, now: Timestamp, timing: &Timing, after: &mut GrantAfter) {
    let past_window = before.dies_at.is_some_and(|dies| now >= dies);
    if past_window {
        after.lifecycle = Lifecycle::ConsentExpired;
    } else if before.tainted {
        after.lifecycle = Lifecycle::NeedsConsent(ConsentCause::LostRotation);
    } else if before.phase == Phase::Suspect {
        after.lifecycle = Lifecycle::NeedsConsent(ConsentCause::Revoked);
    } else {
        after.phase = Phase::Suspect;
        after.due_at = Some(now + timing.suspect_confirm_after);
        return;
    }
    after.phase = Phase::Idle;
    after.due_at = None;
}

/// Rule 6: taint is sticky. Rule 7: when the token may be presented again depends on the provider.
fn uncertain(
    before: &Grant,
    mode: RotationMode,
    failure: &ProviderFailure,
    now: Timestamp,
    timing: &Timing,
    after: &mut GrantAfter,
) {
    let asked = failure.retry_after.unwrap_or_default();
    match mode {
        // Presenting it again harms nothing, so the usual retry stands.
        RotationMode::Reusable => return,
        RotationMode::SingleUse(ReusePolicy::Reject) => {}
        RotationMode::Grace(_) if !after.tainted => after.due_at = Some(now + asked),
        RotationMode::Grace(_) | RotationMode::SingleUse(_) => {
            after.due_at = Some(now + probe_wait(before, timing).max(asked));
        }
    }
    after.tainted = true;
    after.phase = Phase::Uncertain;
}

/// An orphaned request may be processed for `orphan_wait`; a probe before that could meet it. Doubles with each probe
/// that stays without an answer; failures of another kind before them do not count.
fn probe_wait(before: &Grant, timing: &Timing) -> Duration {
    let last = before.last_failure.as_ref().filter(|last| last.kind == FailureKind::Uncertain);
    let doublings = last.map_or(0, |last| last.in_a_row).min(16);
    timing.orphan_wait.saturating_mul(1 << doublings).min(timing.probe_cap).max(timing.orphan_wait)
}

#[cfg(test)]
#[path = "conclusion_tests.rs"]
mod tests;
