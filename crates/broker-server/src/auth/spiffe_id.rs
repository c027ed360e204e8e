//! SPIFFE ids (SPIFFE-ID section 2): `spiffe://trust-domain/path`.

use std::fmt;

/// Longest id and trust domain, in bytes (SPIFFE-ID sections 2.1 and 2.3).
const LONGEST_ID: usize = 2048;
const LONGEST_TRUST_DOMAIN: usize = 255;

/// The name of a trust domain: `a-z 0-9 . - _`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrustDomain(String);

/// The id of a workload: it has a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SpiffeId<'a> {
    text: &'a str,
    trust_domain: &'a str,
}

/// Why a text is no SPIFFE id of a workload, or no trust domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSpiffe {
    #[error("does not begin with spiffe://")]
    Scheme,
    #[error("must be 1 to 255 characters of a-z 0-9 . - _, without spiffe:// before or a path behind it")]
    TrustDomain,
    #[error("names no workload: it has no path")]
    NoPath,
    #[error(
        "has a path with a segment that is empty, a dot or two, or has characters other than A-Z a-z 0-9 . - _"
    )]
    Path,
    #[error("is longer than 2048 bytes")]
    TooLong,
}

impl TrustDomain {
    pub(crate) fn new(name: &str) -> Result<Self, NotSpiffe> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
        let fits = (1..=LONGEST_TRUST_DOMAIN).contains(&name.len()) && name.bytes().all(allowed);
        fits.then(|| Self(name.to_owned())).ok_or(NotSpiffe::TrustDomain)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'a> SpiffeId<'a> {
    /// Reads the id of a workload. Exact: nothing is decoded, folded or normalised, so that two texts are two callers.
    pub(super) fn parse(text: &'a str) -> Result<Self, NotSpiffe> {
        if text.len() > LONGEST_ID {
            return Err(NotSpiffe::TooLong);
        }
        let rest = text.strip_prefix("spiffe://").ok_or(NotSpiffe::Scheme)?;
        let (trust_domain, path) = rest.split_once('/').unwrap_or((rest, ""));
        TrustDomain::new(trust_domain)?;
        if path.is_empty() {
            return Err(NotSpiffe::NoPath);
        }
        match path.split('/').all(is_segment) {
            true => Ok(Self { text, trust_domain }),
            false => Err(NotSpiffe::Path),
        }
    }

    pub(super) fn as_str(&self) -> &'a str {
        self.text
    }

    pub(super) fn trust_domain(&self) -> &'a str {
        self.trust_domain
    }
}

/// SPIFFE-ID section 2.2.
fn is_segment(segment: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_workload_has_a_trust_domain_and_a_path() {
        let id = SpiffeId::parse("spiffe://prod.example_1-a/ns/x/sa/Recorder.v1_b-c").unwrap();
        assert_eq!(id.trust_domain(), "prod.example_1-a");
        assert_eq!(id.as_str(), "spiffe://prod.example_1-a/ns/x/sa/Recorder.v1_b-c");
        SpiffeId::parse("spiffe://a/...").unwrap();
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("spiffe://a/{}", "p".repeat(LONGEST_ID - 10));
        let long_domain = format!("spiffe://{}/p", "d".repeat(LONGEST_TRUST_DOMAIN + 1));
        for (text, problem) in [
            ("", NotSpiffe::Scheme),
            ("https://a/p", NotSpiffe::Scheme),
            ("SPIFFE://a/p", NotSpiffe::Scheme),
            ("spiffe:/a/p", NotSpiffe::Scheme),
            ("spiffe://", NotSpiffe::TrustDomain),
            ("spiffe:///p", NotSpiffe::TrustDomain),
            ("spiffe://A/p", NotSpiffe::TrustDomain),
            ("spiffe://a:443/p", NotSpiffe::TrustDomain),
            ("spiffe://me@a/p", NotSpiffe::TrustDomain),
            ("spiffe://a%2e/p", NotSpiffe::TrustDomain),
            ("spiffe://ä/p", NotSpiffe::TrustDomain),
            (&long_domain, NotSpiffe::TrustDomain),
            ("spiffe://a", NotSpiffe::NoPath),
            ("spiffe://a/", NotSpiffe::NoPath),
            ("spiffe://a?x", NotSpiffe::TrustDomain),
            ("spiffe://a/p/", NotSpiffe::Path),
            ("spiffe://a//p", NotSpiffe::Path),
            ("spiffe://a/./p", NotSpiffe::Path),
            ("spiffe://a/../p", NotSpiffe::Path),
            ("spiffe://a/p?x=1", NotSpiffe::Path),
            ("spiffe://a/p#x", NotSpiffe::Path),
            ("spiffe://a/%70", NotSpiffe::Path),
            ("spiffe://a/p q", NotSpiffe::Path),
            ("spiffe://a/p\0", NotSpiffe::Path),
            (&long, NotSpiffe::TooLong),
        ] {
            assert_eq!(SpiffeId::parse(text), Err(problem), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(domain in "[a-z0-9._-]{1,20}", path in "(/[A-Za-z0-9_-]{1,8}){1,4}") {
            let text = format!("spiffe://{domain}{path}");
            let id = SpiffeId::parse(&text).unwrap();
            prop_assert_eq!((id.as_str(), id.trust_domain()), (text.as_str(), domain.as_str()));
        }

        #[test]
        fn a_text_is_an_id_of_one_trust_domain_or_none(text in "(spiffe://)?[a-cA/.?#%@: ]{0,12}") {
            if let Ok(id) = SpiffeId::parse(&text) {
                let prefix = format!("spiffe://{}/", id.trust_domain());
                prop_assert!(id.as_str() == text && text.starts_with(&prefix) && text.len() > prefix.len());
                prop_assert!(!text.contains(['?', '#', '%', '@', ' ', 'A']) || text[prefix.len()..].contains('A'));
            }
        }
    }
}
