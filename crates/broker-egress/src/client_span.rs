//! The span of an outgoing call, by the semantic conventions for HTTP clients, and the header that tells the server of it.

use std::sync::Arc;

use broker_core::ports::{SPANS, TraceContext};
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::{Span, debug_span, field};
use url::Url;

use crate::Cause;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The span of one call. Nothing of a query, a header or a body is in it.
pub(crate) struct ClientSpan(pub(crate) Span);

impl ClientSpan {
    /// Begins one, where somebody is in a trace.
    pub(crate) fn begin(method: &'static str, url: &Url) -> Self {
        if Span::current().is_none() {
            return Self(Span::none());
        }
        Self(debug_span!(
            target: SPANS,
            "call",
            otel.name = method,
            otel.kind = "client",
            http.request.method = method,
            server.address = url.host_str(),
            server.port = url.port_or_known_default(),
            url.full = without_query(url),
            http.response.status_code = field::Empty,
            error.type = field::Empty,
            otel.status_code = field::Empty,
        ))
    }

    /// Tells the server where the span stands: our own context, and nothing that others gave us.
    pub(crate) fn tell(&self, traces: Option<&Arc<dyn TraceContext>>, headers: &mut HeaderMap) {
        let here = traces.and_then(|traces| traces.of(&self.0));
        let value = here.and_then(|here| HeaderValue::from_str(here.as_str()).ok());
        if let Some(value) = value {
            headers.insert(TRACEPARENT, value);
        }
    }

    /// Ends it with the status, or with why there is none.
    pub(crate) fn end(self, answer: Result<u16, &Cause>) {
        if self.0.is_disabled() {
            return;
        }
        let failed = match answer {
            Ok(status) => {
                self.0.record("http.response.status_code", status);
                (status >= 400).then(|| status.to_string())
            }
            Err(cause) => Some(cause.kind().to_owned()),
        };
        if let Some(failed) = failed {
            self.0.record("error.type", failed);
            self.0.record("otel.status_code", "ERROR");
        }
    }
}

/// Absent where the URL has a user name: that is never called.
fn without_query(url: &Url) -> Option<String> {
    let bare = url.username().is_empty() && url.password().is_none();
    bare.then(|| {
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_or_a_password_is_in_no_span() {
        let of = |url: &str| without_query(&url.parse().unwrap());
        assert_eq!(of("https://a.example/t?code=canary#x").as_deref(), Some("https://a.example/t"));
        assert_eq!(of("https://u:canary@a.example/t"), None);
    }
}
