//! Spans of this process as those of a trace that others began, and the other way round.

use broker_core::ports::{TraceContext, TraceParent};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What [`Pipeline`](crate::Pipeline) traces, tied to other processes by W3C Trace Context.
#[derive(Debug, Clone, Copy)]
pub struct OtelTraces;

impl TraceContext for OtelTraces {
    fn of(&self, span: &Span) -> Option<TraceParent> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let context = context.span().span_context().clone();
        let flags = context.trace_flags() & TraceFlags::SAMPLED;
        let text = format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), flags.to_u8());
        TraceParent::parse(&text)
    }

    fn go_on(&self, span: &Span, from: &TraceParent, state: Option<&str>) {
        let Some(parent) = context(from, state) else { return };
        // Fails only for a span that somebody has entered, which then stays where it is.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }

    fn link(&self, span: &Span, to: &TraceParent) {
        if let Some(to) = context(to, None) {
            span.add_link(to);
        }
    }
}

fn context(from: &TraceParent, state: Option<&str>) -> Option<SpanContext> {
    let trace = TraceId::from_hex(from.trace_id()).ok()?;
    let span = SpanId::from_hex(from.span_id()).ok()?;
    let flags = if from.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    // What is no tracestate is left out (W3C Trace Context §3.3.1).
    let state = state.and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    Some(SpanContext::new(trace, span, flags, true, state))
}
