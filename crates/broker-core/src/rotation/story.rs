//! What is told of an attempt when it ends: one wide event, `event = "rotation"` of `docs/log-events.md`.

use std::time::Duration;

use tracing::Span;

use super::Trigger;
use crate::ports::{AttemptEnd, TraceParent};
use crate::{Attempt, AttemptKind, Broker, Generation, Lifecycle, Timestamp};

/// What is known of an attempt while it is under way, and nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Story {
    /// What began it.
    pub(crate) trigger: Trigger,
    /// When the grant was due.
    pub(crate) due_at: Option<Timestamp>,
    /// How long its lease was waited for.
    pub(crate) lease_wait: Option<Duration>,
    /// When the provider was called, and when it had answered or failed to.
    pub(crate) called: Option<(Timestamp, Timestamp)>,
    /// The HTTP status of the answer.
    pub(crate) status: Option<u16>,
}

impl Story {
    pub(crate) fn begun_by(trigger: Trigger) -> Self {
        Self { trigger, due_at: None, lease_wait: None, called: None, status: None }
    }
}

/// How an attempt ended.
struct Ending<'a> {
    conclusion: &'static str,
    generation: Option<Generation>,
    failure: Option<&'static str>,
    oauth_error: Option<&'a str>,
    status: Option<u16>,
    phase: Option<&'static str>,
    lifecycle: Option<&'static str>,
}

impl Ending<'_> {
    fn of(conclusion: &'static str) -> Self {
        Self {
            conclusion,
            generation: None,
            failure: None,
            oauth_error: None,
            status: None,
            phase: None,
            lifecycle: None,
        }
    }
}

/// The name of the span of a rotation.
pub(super) const ROTATION: &str = "rotation";

/// Ends that need nobody's attention.
const CALM: [&str; 3] = ["adopted", "superseded", "unsent"];

/// The token family is gone because an answer was lost.
const LOST: &str = "lost_rotation";

impl Broker {
    /// Tells that an answer was adopted, or why not.
    pub(super) fn tell_answered(
        &self,
        attempt: &Attempt,
        conclusion: &'static str,
        generation: Option<Generation>,
    ) {
        self.tell_end(attempt, Ending { generation, ..Ending::of(conclusion) });
    }

    /// Tells that an attempt was closed without tokens.
    pub(crate) fn tell_closed(&self, end: &AttemptEnd) {
        let ending = Ending::of(end.conclusion);
        let Some(after) = &end.grant else { return self.tell_end(&end.attempt, ending) };
        let failure = after.failure.as_ref();
        let ending = Ending {
            failure: failure.map(|failure| failure.kind.as_str()),
            oauth_error: failure.and_then(|failure| failure.oauth_error.as_deref()),
            status: failure.and_then(|failure| failure.http_status),
            phase: Some(after.phase.as_str()),
            lifecycle: Some(name_of(after.lifecycle)),
            ..ending
        };
        self.tell_end(&end.attempt, ending);
    }

    fn tell_end(&self, attempt: &Attempt, ending: Ending<'_>) {
        let story = self.presenting.story(attempt.id).unwrap_or_else(|| Story::begun_by(Trigger::Recovery));
        mark_span(attempt, &ending);
        let trace = self.traces.here();
        let line = Line { attempt, ending, story, trace, now: self.clock.now() };
        match CALM.contains(&line.ending.conclusion) {
            true => line.info(),
            false => line.warn(),
        }
    }
}

/// The span of the rotation, if the attempt ends in one.
fn mark_span(attempt: &Attempt, ending: &Ending<'_>) {
    let span = Span::current();
    // An exchange ends in the span of a call, which says of itself how it ended.
    if span.metadata().is_none_or(|metadata| metadata.name() != ROTATION) {
        return;
    }
    span.record("tokenbroker.attempt.id", tracing::field::display(attempt.id));
    span.record("tokenbroker.conclusion", ending.conclusion);
    if !CALM.contains(&ending.conclusion) {
        span.record("error.type", ending.conclusion);
        span.record("otel.status_code", "ERROR");
    }
}

struct Line<'a> {
    attempt: &'a Attempt,
    ending: Ending<'a>,
    story: Story,
    trace: Option<TraceParent>,
    now: Timestamp,
}

/// The fields stand once; a level must be known when the macro is read.
macro_rules! tell {
    ($level:ident, $line:expr) => {{
        let Line { attempt, ending, story, trace, now } = $line;
        tracing::$level!(
            event = "rotation",
            kind = kind(attempt),
            trigger = story.trigger.as_str(),
            tenant = %attempt.key.tenant,
            provider = %attempt.key.provider,
            grant = %attempt.grant_id(),
            attempt = %attempt.id,
            registration = %attempt.registration,
            presentation = attempt.presentation_no,
            conclusion = ending.conclusion,
            generation = ending.generation.unwrap_or(attempt.generation).get(),
            failure = ending.failure,
            oauth_error = ending.oauth_error,
            http_status = ending.status.or(story.status),
            phase = ending.phase,
            lifecycle = ending.lifecycle,
            lost = ending.conclusion == LOST,
            lateness_ms = story.due_at.map(|due| millis(attempt.claimed_at.since(due))),
            lease_wait_ms = story.lease_wait.map(millis),
            provider_ms = story.called.map(|(from, to)| millis(to.since(from))),
            duration_ms = millis(now.since(attempt.claimed_at)),
            trace_id = trace.as_ref().map(TraceParent::trace_id),
            "a rotation ended"
        );
    }};
}

impl Line<'_> {
    fn info(self) {
        tell!(info, self);
    }

    fn warn(self) {
        tell!(warn, self);
    }
}

fn kind(attempt: &Attempt) -> &'static str {
    match attempt.kind {
        AttemptKind::Refresh => "refresh",
        AttemptKind::CodeExchange(_) => "exchange",
    }
}

fn name_of(lifecycle: Lifecycle) -> &'static str {
    match lifecycle {
        Lifecycle::Active => "active",
        Lifecycle::NeedsConsent(_) => "needs_consent",
        Lifecycle::ConsentExpired => "consent_expired",
        Lifecycle::Revoking => "revoking",
        Lifecycle::Revoked => "revoked",
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
