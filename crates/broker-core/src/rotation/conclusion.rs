//! What a failed refresh makes of a grant: one pure decision.

use std::time::Duration;

use crate::ports::GrantAfter;
use crate::schedule::retry_delay;
use crate::{
    ConsentCause, FailureKind, Grant, LastFailure, Lifecycle, Phase, ProviderFailure, ReusePolicy,
    RotationMode, Timestamp, Timing,
};

/// A refusal that names neither token nor client is given this many tries...
const REFUSALS: u32 = 8;
/// ...over at least this long, before the user is asked (rule 9).
const REFUSED_FOR: Duration = Duration::from_secs(24 * 3600);

/// What a failure is judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    /// The grant as the claim found it.
    pub(super) before: &'a Grant,
    /// How the provider treats its refresh tokens.
    pub(super) mode: RotationMode,
    /// When the refresh token was last presented, if it was.
    pub(super) sent_at: Option<Timestamp>,
    /// Now.
    pub(super) now: Timestamp,
    /// The provider's breaker is open: no grant is given up (rule 10).
    pub(super) breaker_open: bool,
    /// Another grant of the registration was refreshed since this one was first refused without an OAuth code.
    pub(super) registration_works: bool,
    /// The registration has another secret, which was not refused lately.
    pub(super) another_secret: bool,
    /// In [0, 1), spreads retries apart.
    pub(super) draw: f64,
}

/// What a failed refresh means.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conclusion {
    /// What the attempt ended as, for the record and for the breaker's counts.
    pub(super) name: &'static str,
    /// What becomes of the grant.
    pub(super) after: GrantAfter,
    /// What becomes of the registration, if it was refused.
    pub(super) refused_client: Option<RefusedClient>,
}

/// What becomes of a registration whose secret was refused (rule 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusedClient {
    /// Its next secret is tried at once.
    TriesNextSecret,
    /// It rests until then.
    RestsUntil(Timestamp),
}

impl RefusedClient {
    /// Decides for a refusal at `now`.
    pub(crate) fn of(another_secret: bool, now: Timestamp, timing: &Timing) -> Self {
        match another_secret {
            true => Self::TriesNextSecret,
            false => Self::RestsUntil(now + timing.registration_pause),
        }
    }

    /// Until when it rests, if it does.
    pub(crate) fn rests_until(self) -> Option<Timestamp> {
        match self {
            Self::TriesNextSecret => None,
            Self::RestsUntil(until) => Some(until),
        }
    }
}

/// Decides by the rules of `docs/rotation.md`.
pub(super) fn conclude(failure: &ProviderFailure, of: Circumstances<'_>, timing: &Timing) -> Conclusion {
    let mut conclusion = start(failure, of, timing);
    match failure.kind {
        FailureKind::DeadToken => dead_token(&mut conclusion, of, timing),
        FailureKind::Uncertain => uncertain(&mut conclusion, failure, of, timing),
        FailureKind::ClientRejected => client_rejected(&mut conclusion, of, timing),
        FailureKind::UnlabelledRefusal => unlabelled(&mut conclusion, of, timing),
        FailureKind::Refused => refused(&mut conclusion, of),
        FailureKind::Throttled | FailureKind::Unreachable | FailureKind::Internal => {}
    }
    conclusion
}

/// A failure that settled nothing: the grant is as it was, and is tried again later.
fn start(failure: &ProviderFailure, of: Circumstances<'_>, timing: &Timing) -> Conclusion {
    let same = of.before.last_failure.as_ref().filter(|last| last.kind == failure.kind);
    let in_a_row = same.map_or(0, |last| last.in_a_row).saturating_add(1);
    let retry = retry_delay(in_a_row, timing.retry_base, timing.retry_cap, of.draw)
        .max(failure.retry_after.unwrap_or_default());
    let failure = LastFailure {
        kind: failure.kind,
        at: of.now,
        oauth_error: failure.oauth_error.clone(),
        http_status: failure.http_status,
        in_a_row,
        since: same.map_or(of.now, |last| last.since),
    };
    let after = GrantAfter {
        lifecycle: Lifecycle::Active,
        phase: resting_phase(of.before),
        tainted: of.before.tainted,
        due_at: Some(of.now + retry),
        failure: Some(failure),
    };
    Conclusion { name: after.failure_name(), after, refused_client: None }
}

/// The phase without an open attempt: doubt and suspicion outlast an attempt that settled nothing.
pub(super) fn resting_phase(before: &Grant) -> Phase {
    match before.phase {
        Phase::Suspect => Phase::Suspect,
        _ if before.tainted => Phase::Uncertain,
        _ => Phase::Idle,
    }
}

fn dead_token(conclusion: &mut Conclusion, of: Circumstances<'_>, timing: &Timing) {
    let (name, lifecycle) = match of.before {
        before if before.window_is_over(of.now) => ("window_over", Lifecycle::ConsentExpired),
        before if before.tainted => ("lost_rotation", Lifecycle::NeedsConsent(ConsentCause::LostRotation)),
        before if before.phase == Phase::Suspect => {
            ("dead_token_confirmed", Lifecycle::NeedsConsent(ConsentCause::Revoked))
        }
        _ => return suspect(conclusion, of, timing),
    };
    conclusion.name = name;
    give_up(conclusion, of, lifecycle);
}

/// The first refusal: present once more after a pause, before the user is asked.
fn suspect(conclusion: &mut Conclusion, of: Circumstances<'_>, timing: &Timing) {
    conclusion.after.phase = Phase::Suspect;
    conclusion.after.due_at = Some(of.now + timing.suspect_confirm_after);
}

/// While the provider's breaker is open the grant stays as it is, and is tried again later.
fn give_up(conclusion: &mut Conclusion, of: Circumstances<'_>, lifecycle: Lifecycle) {
    if of.breaker_open && lifecycle != Lifecycle::ConsentExpired {
        return;
    }
    conclusion.after.lifecycle = lifecycle;
    conclusion.after.phase = Phase::Idle;
    conclusion.after.due_at = None;
}

/// Rule 6: taint is sticky. Rule 7: when the token may be presented again depends on the provider.
fn uncertain(conclusion: &mut Conclusion, failure: &ProviderFailure, of: Circumstances<'_>, timing: &Timing) {
    let answered = failure.http_status.is_some_and(|status| (200..300).contains(&status));
    if answered {
        conclusion.name = "unreadable";
    }
    let after = &mut conclusion.after;
    let asked = of.now + failure.retry_after.unwrap_or_default();
    match of.mode {
        // Presenting it again harms nothing, so the usual retry stands.
        RotationMode::Reusable => return,
        RotationMode::SingleUse(ReusePolicy::Reject) => {}
        RotationMode::Grace(_) if !of.before.tainted => after.due_at = Some(asked),
        // Whether the grace is over shows when it is claimed again (`grace.rs`); until then the usual retry stands.
        RotationMode::Grace(_) => {}
        RotationMode::SingleUse(_) => {
            let sent_at = of.sent_at.unwrap_or(of.now);
            after.due_at = Some((sent_at + probe_wait(of.before, timing)).max(asked));
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

/// Rule 9: the application's fault. No grant is burned: the provider refused before it looked at the token, so the token
/// may be shown again, with the next secret. Once all are refused the registration rests, and one grant at a time tries
/// it.
fn client_rejected(conclusion: &mut Conclusion, of: Circumstances<'_>, timing: &Timing) {
    let refused = RefusedClient::of(of.another_secret, of.now, timing);
    conclusion.refused_client = Some(refused);
    conclusion.after.due_at = match refused {
        RefusedClient::TriesNextSecret => Some(of.now),
        RefusedClient::RestsUntil(until) => conclusion.after.due_at.max(Some(until)),
    };
}

/// Rule 9: a bare 401 or 403 is one of two things, and the other grants of the registration tell which.
fn unlabelled(conclusion: &mut Conclusion, of: Circumstances<'_>, timing: &Timing) {
    let since = conclusion.after.failure.as_ref().map_or(of.now, |failure| failure.since);
    if of.registration_works {
        return dead_token(conclusion, of, timing);
    }
    let decided_at = since + timing.unlabelled_window;
    match of.now >= decided_at {
        true => client_rejected(conclusion, of, timing),
        false => conclusion.after.due_at = Some(decided_at),
    }
}

/// Rule 9: refused again and again for another reason than the token.
fn refused(conclusion: &mut Conclusion, of: Circumstances<'_>) {
    let given_up =
        conclusion.after.failure.as_ref().is_some_and(|failure| {
            failure.in_a_row >= REFUSALS && of.now.since(failure.since) >= REFUSED_FOR
        });
    if given_up {
        give_up(conclusion, of, Lifecycle::NeedsConsent(ConsentCause::ProviderRefuses));
    }
}

/// A claim that was given back before anything was sent: the grant as it was, due at `due_at`.
pub(super) fn untouched(grant: &Grant, due_at: Option<Timestamp>) -> GrantAfter {
    let phase = match grant.last_failure.as_ref().map(|last| last.kind) {
        _ if grant.tainted => Phase::Uncertain,
        // A claim overwrites the phase; the failure tells that the token was refused once already.
        Some(FailureKind::DeadToken) => Phase::Suspect,
        _ => Phase::Idle,
    };
    GrantAfter { lifecycle: grant.lifecycle, phase, tainted: grant.tainted, due_at, failure: None }
}

#[cfg(test)]
#[path = "conclusion_tests.rs"]
mod tests;
