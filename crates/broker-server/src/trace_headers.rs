//! Where a request stands in a trace, by its headers (W3C Trace Context).

use axum::http::HeaderMap;
use broker_core::ports::TraceParent;

/// The trace that a request is part of.
pub(crate) struct TraceHeaders {
    pub(crate) parent: TraceParent,
    /// What others say of it.
    pub(crate) state: Option<String>,
}

impl TraceHeaders {
    /// Reads them. `None` where the request is part of no trace: without one header that can be read, the other says nothing.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all("traceparent").iter();
        let (parent, None) = (parents.next()?, parents.next()) else { return None };
        let parent = TraceParent::parse(parent.to_str().ok()?)?;
        Some(Self { parent, state: state(headers) })
    }
}

/// A list may come in several headers, in their order.
fn state(headers: &HeaderMap) -> Option<String> {
    let lists = headers.get_all("tracestate").iter().map(|list| list.to_str().ok());
    let lists = lists.collect::<Option<Vec<_>>>()?;
    (!lists.is_empty()).then(|| lists.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(headers: &[(&'static str, &'static str)]) -> Option<TraceHeaders> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        TraceHeaders::read(&headers.collect())
    }

    fn state(headers: &[(&'static str, &'static str)]) -> Option<String> {
        read(&[&[("traceparent", PARENT)], headers].concat()).unwrap().state
    }

    #[test]
    fn lists_in_several_headers_are_one() {
        assert_eq!(state(&[]), None);
        assert_eq!(state(&[("tracestate", "a=1")]).as_deref(), Some("a=1"));
        let several = [("tracestate", "a=1,b=2"), ("other", "x"), ("tracestate", "c=3")];
        assert_eq!(state(&several).as_deref(), Some("a=1,b=2,c=3"));
        assert_eq!(state(&[("tracestate", "a=1"), ("tracestate", "b=\u{e4}")]), None);
    }

    #[test]
    fn without_one_good_parent_there_is_no_trace() {
        assert_eq!(read(&[("traceparent", PARENT)]).unwrap().parent.as_str(), PARENT);
        assert!(read(&[("tracestate", "a=1")]).is_none());
        assert!(read(&[("traceparent", "00"), ("tracestate", "a=1")]).is_none());
        assert!(read(&[("traceparent", PARENT), ("traceparent", PARENT)]).is_none());
    }
}
