//! Where a piece of work stands in a distributed trace (W3C Trace Context), so that work elsewhere can go on from there.

use std::fmt::Debug;

use tracing::Span;

/// The target of every span that is meant for a trace. Logs leave spans of this target out.
pub const SPANS: &str = "tokenbroker.span";

/// Version 00 of the header has exactly so many characters: `00-<trace id>-<span id>-<flags>`.
const LENGTH: usize = 55;
const TRACE_ID: std::ops::Range<usize> = 3..35;
const SPAN_ID: std::ops::Range<usize> = 36..52;

/// The value of a `traceparent` header of version 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent([u8; LENGTH]);

impl TraceParent {
    /// Reads a header's value. `None` where it is none of version 00, or where an id in it is all zeros.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
        let dash = |at: usize| bytes[at] == b'-';
        let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
        let named = |id: &[u8]| !id.contains(&b'-') && id.iter().any(|digit| *digit != b'0');
        let good = bytes.starts_with(b"00-")
            && bytes.iter().all(hex)
            && dash(TRACE_ID.end)
            && dash(SPAN_ID.end)
            && named(&bytes[TRACE_ID])
            && named(&bytes[SPAN_ID])
            && !bytes[SPAN_ID.end + 1..].contains(&b'-');
        good.then_some(Self(bytes))
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        text(&self.0)
    }

    /// The id of the span, 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        text(&self.0[SPAN_ID])
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        // The least bit of the last digit.
        matches!(self.0[LENGTH - 1], b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f')
    }

    /// The id of the trace, 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        text(&self.0[TRACE_ID])
    }
}

/// Never empty: every byte was read as ASCII.
fn text(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).unwrap_or_default()
}

/// Ties spans of this process to those of others.
pub trait TraceContext: Debug + Send + Sync {
    /// Where the span stands; `None` where nothing is traced.
    fn of(&self, span: &Span) -> Option<TraceParent>;

    /// Makes the span, which nobody has entered yet, go on from there. `state` is the `tracestate` that came with it.
    fn go_on(&self, span: &Span, from: &TraceParent, state: Option<&str>);

    /// Says in the span that it has to do with what stands there.
    fn link(&self, span: &Span, to: &TraceParent);

    /// Where the span stands that the caller is in.
    fn here(&self) -> Option<TraceParent> {
        self.of(&Span::current())
    }
}

/// Traces nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTraces;

impl TraceContext for NoTraces {
    fn of(&self, _: &Span) -> Option<TraceParent> {
        None
    }

    fn go_on(&self, _: &Span, _: &TraceParent, _: Option<&str>) {}

    fn link(&self, _: &Span, _: &TraceParent) {}

    fn here(&self) -> Option<TraceParent> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_trace_is_read_from_the_header() {
        let parent = TraceParent::parse(GOOD).unwrap();
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span_id(), "00f067aa0ba902b7");
        assert_eq!(parent.as_str(), GOOD);
        let last = |flags: &str| TraceParent::parse(&GOOD.replace("-01", flags)).unwrap().is_sampled();
        assert_eq!(["-01", "-00", "-03", "-02"].map(last), [true, false, true, false]);
    }

    #[test]
    fn what_is_no_header_of_this_version_is_none() {
        for bad in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473--00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7--1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736000f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }
}
