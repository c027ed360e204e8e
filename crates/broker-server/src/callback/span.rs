//! The span of a callback, by the semantic conventions for HTTP servers. Nothing of the query is in it: a code stands there.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use broker_core::ports::{SPANS, TraceContext};
use tracing::{Instrument as _, Span, debug_span, field};

use super::ROUTE;
use crate::trace_headers::TraceHeaders;

/// Answers in a span of its own, which goes on in the trace of who asks.
pub(super) async fn in_span(
    State(traces): State<Arc<dyn TraceContext>>,
    request: Request,
    next: Next,
) -> Response {
    let span = span(request.method());
    if let Some(TraceHeaders { parent, state }) = TraceHeaders::read(request.headers()) {
        traces.go_on(&span, &parent, state.as_deref());
    }
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("error.type", status.as_str());
        span.record("otel.status_code", "ERROR");
    }
    response
}

fn span(method: &Method) -> Span {
    let method = if *method == Method::GET { "GET" } else { "_OTHER" };
    debug_span!(
        target: SPANS,
        parent: None,
        "callback",
        otel.name = format_args!("{method} {ROUTE}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = ROUTE,
        http.response.status_code = field::Empty,
        error.type = field::Empty,
        otel.status_code = field::Empty,
    )
}
