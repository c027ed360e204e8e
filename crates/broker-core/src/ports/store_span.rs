//! The span of a conversation with a store, by the semantic conventions for databases.

use tracing::{Instrument as _, Span, debug_span, field};

use super::{SPANS, StoreError};

/// Runs `work` in a span of its own, where somebody is in a trace. `operation` is the method of the port.
///
/// What nobody is in a trace for, such as a heartbeat, begins none.
pub async fn traced<T>(
    system: &'static str,
    operation: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    if Span::current().is_none() {
        return work.await;
    }
    let span = debug_span!(
        target: SPANS,
        "store",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = system,
        db.operation.name = operation,
        error.type = field::Empty,
        otel.status_code = field::Empty,
    );
    let done = work.instrument(span.clone()).await;
    if let Err(error) = &done {
        span.record("error.type", name(error));
        span.record("otel.status_code", "ERROR");
    }
    done
}

fn name(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) => "unavailable",
        StoreError::Inconsistent(_) => "inconsistent",
    }
}
