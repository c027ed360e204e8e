//! The end of a call: told once, whatever ends it.

use std::sync::Arc;

use broker_core::ports::{SPANS, TraceContext, TraceParent};
use broker_core::{AuditOutcome, Clock, Timestamp};
use tonic::{Code, Status};
use tracing::{Span, debug_span, field};

use super::method::only_reads;
use crate::grpc::Draft;
use crate::grpc::audit::{code_name, outcome};

/// Codes that are the server's doing, by the semantic conventions for gRPC.
const OURS: [Code; 6] = [
    Code::Unknown,
    Code::DeadlineExceeded,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
];

/// Anybody can bring these about, as often as he likes: what the log says of them elsewhere is limited.
const BY_STRANGERS: [&str; 2] = ["CALLER_UNKNOWN", "TENANT_RATE_LIMITED"];

/// How a call ended.
pub(super) struct Ended {
    code: Code,
    /// The reason of the contract, or the name of the code.
    reason: Option<String>,
}

impl Ended {
    pub(super) fn of(status: &Status) -> Self {
        let reason = outcome(status).map(|outcome| match outcome {
            AuditOutcome::Denied(reason) | AuditOutcome::Failed(reason) => reason,
            AuditOutcome::Succeeded => String::new(),
        });
        Self { code: status.code(), reason }
    }

    pub(super) fn with_code(code: Code) -> Self {
        Self { code, reason: (code != Code::Ok).then(|| code_name(code)) }
    }

    fn is_loud(&self, method: &str) -> bool {
        match &self.reason {
            None => !only_reads(method),
            Some(reason) => !BY_STRANGERS.contains(&reason.as_str()),
        }
    }
}

/// A call under way. Dropped before it is told, the caller has gone.
pub(super) struct Ending(Option<UnderWay>);

struct UnderWay {
    method: &'static str,
    draft: Draft,
    caller: Option<TraceParent>,
    began: Timestamp,
    span: Span,
    clock: Arc<dyn Clock>,
    traces: Arc<dyn TraceContext>,
}

impl Ending {
    pub(super) fn begin(
        method: &'static str,
        draft: Draft,
        caller: Option<TraceParent>,
        clock: Arc<dyn Clock>,
        traces: Arc<dyn TraceContext>,
    ) -> Self {
        let (began, span) = (clock.now(), span(method));
        Self(Some(UnderWay { method, draft, caller, began, span, clock, traces }))
    }

    pub(super) fn span(&self) -> Span {
        self.0.as_ref().map_or_else(Span::none, |call| call.span.clone())
    }

    /// Tells the end.
    pub(super) fn with(mut self, ended: &Ended) {
        if let Some(call) = self.0.take() {
            call.tell(ended);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call.tell(&Ended::with_code(Code::Cancelled));
        }
    }
}

fn span(method: &str) -> Span {
    debug_span!(
        target: SPANS,
        parent: None,
        "rpc",
        otel.name = method,
        otel.kind = "server",
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = field::Empty,
        error.type = field::Empty,
        otel.status_code = field::Empty,
        tokenbroker.tenant = field::Empty,
        tokenbroker.provider = field::Empty,
        tokenbroker.grant.id = field::Empty,
    )
}

/// The fields stand once; a level must be known when the macro is read.
macro_rules! tell {
    ($level:ident, $call:expr, $ended:expr) => {{
        let (call, ended) = ($call, $ended);
        let (facts, now) = (call.draft.facts(), call.clock.now());
        let trace = call.traces.of(&call.span).or(call.caller);
        tracing::$level!(
            event = "rpc",
            method = call.method,
            code = code_name(ended.code),
            reason = ended.reason,
            principal = facts.principal,
            tenant = facts.tenant,
            provider = facts.provider,
            grant = facts.grant.map(field::display),
            outcome = facts.outcome,
            generation = facts.generation,
            remaining_validity_s = facts.expires_at.map(|ends| ends.since(now).as_secs()),
            asked = facts.asked,
            refused = facts.refused,
            duration_ms = now.since(call.began).as_secs_f64() * 1e3,
            trace_id = trace.as_ref().map(TraceParent::trace_id),
            "a call ended"
        );
    }};
}

impl UnderWay {
    fn tell(&self, ended: &Ended) {
        // A span ends where it was left last, and a stream ends long after it was answered.
        let _here = self.span.enter();
        self.mark_span(ended);
        if ended.is_loud(self.method) {
            tell!(info, self, ended);
        } else if tracing::enabled!(tracing::Level::DEBUG) {
            tell!(debug, self, ended);
        }
    }

    fn mark_span(&self, ended: &Ended) {
        if self.span.is_disabled() {
            return;
        }
        let facts = self.draft.facts();
        self.span.record("rpc.response.status_code", code_name(ended.code));
        self.span.record("tokenbroker.tenant", facts.tenant);
        self.span.record("tokenbroker.provider", facts.provider);
        self.span.record("tokenbroker.grant.id", facts.grant.map(field::display));
        if let Some(reason) = &ended.reason {
            self.span.record("error.type", reason);
        }
        if OURS.contains(&ended.code) {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}
