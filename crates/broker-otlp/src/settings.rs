//! How a collector is reached.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::Resource;

/// How a collector is reached, and what is told to it.
#[derive(Debug)]
pub struct Settings {
    /// The collector. A path is kept, and over HTTP `v1/traces` and its kin are added to it.
    pub endpoint: Url,
    /// What is spoken.
    pub protocol: Protocol,
    /// Headers of every request.
    pub headers: Headers,
    /// Certificates (PEM) to trust: in place of those of the system over gRPC, beside them over HTTP.
    pub ca_pem: Option<Vec<u8>>,
    /// How long one batch may take, retries included.
    pub timeout: Duration,
    /// Which part of the traces that begin here is recorded, 0 to 1. A trace that a caller brings is recorded if the caller
    /// records it.
    pub sample_ratio: f64,
    /// Who tells.
    pub resource: Resource,
}

/// OTLP over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC, usually port 4317.
    Grpc,
    /// Protobuf over HTTP/1.1, usually port 4318.
    Http,
}

/// Headers of every request, usually one with a secret.
#[derive(Clone, Default)]
pub struct Headers(pub(crate) HeaderMap);

impl Headers {
    /// Reads lines of `name: value`. Empty lines and those that begin with `#` say nothing. The error names a line by its
    /// number, never what stands in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) =
                pair(line).ok_or_else(|| format!("line {} is no `name: value`", number + 1))?;
            headers.append(name, value);
        }
        Ok(Self(headers))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn pair(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let name = HeaderName::try_from(name.trim()).ok()?;
    let mut value = HeaderValue::try_from(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Headers({}, [redacted])", self.0.len())
    }
}

/// Why the door to a collector could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The endpoint is no URL that can be called.
    #[error("the endpoint cannot be used: it must be http://host:port or https://host:port")]
    Endpoint,
    /// TLS could not be set up.
    #[error("TLS to the collector cannot be set up: {0}")]
    Tls(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Headers, String> {
        Headers::parse(text)
    }

    #[test]
    fn headers_are_read_line_by_line_and_never_shown() {
        let headers = parse("# of the vendor\n\nAuthorization: Bearer canary:x\nx-team: a\n").unwrap();
        assert_eq!(headers.0.get("authorization").unwrap(), "Bearer canary:x");
        assert_eq!(headers.0.len(), 2);
        assert!(!format!("{headers:?} {:?}", headers.0).contains("canary"));
    }

    #[test]
    fn a_line_that_is_no_header_is_named_by_its_number_alone() {
        for bad in ["a: b\ncanary", "a: b\nca nary: c", "a: b\ncanary: \u{7}"] {
            assert_eq!(parse(bad).unwrap_err(), "line 2 is no `name: value`");
        }
    }
}
