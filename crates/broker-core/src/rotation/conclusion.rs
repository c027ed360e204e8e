//! What a failed refresh makes of a grant: one pure decision.

use std::time::Duration;

use crate::ports::GrantAfter;
use crate::schedule::retry_delay;
use crate::{
    ConsentCause, FailureKind, Grant, LastFailure, Lifecycle, Phase, ProviderFailure, RotationMode,
    Timestamp, Timing,
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
    let in_a_row = before.last_failure.as_ref().map_or(0, |last| last.in_a_row) + 1;
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
        FailureKind::Uncertain => uncertain(mode, in_a_row, failure, now, timing, &mut after),
        FailureKind::ClientRejected
        | FailureKind::UnlabelledRefusal
        | FailureKind::Throttled
        | FailureKind::Unreachable
        | FailureKind::Refused => {}
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
    mode: RotationMode,
    in_a_row: u32,
    failure: &ProviderFailure,
    now: Timestamp,
    timing: &Timing,
    after: &mut GrantAfter,
) {
    let asked = failure.retry_after.unwrap_or_default();
    let wait = match mode {
        RotationMode::Reusable => return,
        RotationMode::Grace(_) if !after.tainted => asked,
        RotationMode::Grace(_) | RotationMode::SingleUse(_) => probe_wait(in_a_row, timing).max(asked),
    };
    after.tainted = true;
    after.phase = Phase::Uncertain;
    after.due_at = Some(now + wait);
}

/// An orphaned request may be processed for `orphan_wait`; a probe before that could meet it.
fn probe_wait(in_a_row: u32, timing: &Timing) -> Duration {
    let doubled = timing.orphan_wait.saturating_mul(1 << in_a_row.saturating_sub(1).min(16));
    doubled.min(timing.probe_cap).max(timing.orphan_wait)
}

#[cfg(test)]
#[path = "conclusion_tests.rs"]
mod tests;
