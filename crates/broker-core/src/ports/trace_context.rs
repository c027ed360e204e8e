//! Where a piece of work stands in a distributed trace (W3C Trace Context), so that work elsewhere can go on from there.

use std::fmt::Debug;

use tracing::Span;

/// The target of every span that is meant for a trace. Logs leave spans of this target out.
pub const SPANS: &str = "tokenbroker.span";

/// Version 00 of the header has exactly so many characters: `00-<trace id>-<span id>-<flags>`. Higher ones begin with as many.
const LENGTH: usize = 55;
const TRACE_ID: std::ops::Range<usize> = 3..35;
const SPAN_ID: std::ops::Range<usize> = 36..52;
const FLAGS: std::ops::Range<usize> = 53..55;

/// The value of a `traceparent` header of version 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent([u8; LENGTH]);

impl TraceParent {
    /// Reads a header's value. One of a higher version is taken for what it says in version 00: ids, and whether the trace is
    /// recorded. `None` where it is none, or where an id in it is all zeros.
    pub fn parse(text: &str) -> Option<Self> {
        let (known, more) = text.as_bytes().split_first_chunk::<LENGTH>()?;
        match (&known[..2], more) {
            (b"00", []) => Self::read(*known),
            // Nothing of it is said by version 00, and there is no version ff.
            (b"00", _) | (b"ff", _) => None,
            (version, [] | [b'-', ..]) if is_hex(version) => Self::read(*known).map(Self::in_version_00),
            _ => None,
        }
    }

    /// The parts behind the version.
    fn read(bytes: [u8; LENGTH]) -> Option<Self> {
        let parted = [TRACE_ID.start, SPAN_ID.start, FLAGS.start].iter().all(|at| bytes[at - 1] == b'-');
        let named = |id: &[u8]| is_hex(id) && id.iter().any(|digit| *digit != b'0');
        let good = parted && named(&bytes[TRACE_ID]) && named(&bytes[SPAN_ID]) && is_hex(&bytes[FLAGS]);
        good.then_some(Self(bytes))
    }

    /// Of the flags of another version only one is known.
    fn in_version_00(mut self) -> Self {
        let flags = if self.is_sampled() { b"01" } else { b"00" };
        self.0[..2].copy_from_slice(b"00");
        self.0[FLAGS].copy_from_slice(flags);
        self
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

/// In lower case, as the header has to be.
fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
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
    fn of_a_higher_version_what_this_one_says_is_read() {
        let of = |version: &str, flags: &str, more: &str| {
            TraceParent::parse(&format!("{version}{}{flags}{more}", &GOOD[2..53]))
        };
        let sampled = TraceParent::parse(GOOD);
        for (version, more) in [("01", ""), ("01", "-"), ("01", "-what-comes"), ("cc", "-\u{e4}"), ("fe", "")]
        {
            assert_eq!(of(version, "01", more), sampled, "{version} {more}");
        }
        assert_eq!(of("01", "03", ""), sampled, "of its flags one is known");
        assert!(!of("01", "02", "").unwrap().is_sampled());
        for (version, more) in [("01", "."), ("01", "0"), ("ff", ""), ("ff", "-x"), ("0g", ""), ("FE", "")] {
            assert_eq!(of(version, "01", more), None, "{version} {more}");
        }
    }

    #[test]
    fn what_is_no_header_is_none() {
        for bad in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "01-00000000000000000000000000000000-00f067aa0ba902b7-01",
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
