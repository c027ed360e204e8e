//! Creates that may be repeated: a request that was sent twice makes one resource.

use std::time::Duration;

use broker_crypto::sha256;

use crate::{Quota, RequestId, Timestamp};

/// How long a repeated request is recognised.
pub const REQUESTS_KEPT: Duration = Duration::from_secs(24 * 3600);

/// What a store keeps of a create, in the transaction that makes the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestMark {
    /// The id its caller gave it. Ids of different tenants have nothing to do with each other.
    pub id: RequestId,
    /// SHA-256 of everything that was asked, but for secrets: two requests differ in it, or in a secret, or not at all.
    pub digest: [u8; 32],
    /// Now. A mark older than [`REQUESTS_KEPT`] counts for nothing.
    pub at: Timestamp,
}

impl RequestMark {
    /// The mark of a call of `method` that says `parts`, in an order of its own.
    pub fn new(id: RequestId, method: &str, parts: &[&str], at: Timestamp) -> Self {
        let mut text = Vec::new();
        for part in std::iter::once(&method).chain(parts) {
            // With its length before it, no part can pass for two.
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        Self { id, digest: sha256(&text), at }
    }

    /// From when on marks count.
    pub fn kept_since(&self) -> Timestamp {
        self.at - REQUESTS_KEPT
    }
}

/// What became of a create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The resource was made now.
    Created,
    /// Its name is taken.
    Taken,
    /// The same request has made a resource before: its name.
    Repeated(String),
    /// The request's id was used for another request.
    IdReused,
    /// The tenant has as many as it may have.
    OverQuota(Quota),
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn digest(method: &str, parts: &[&str]) -> [u8; 32] {
        RequestMark::new(RequestId::from_bytes([1; 16]), method, parts, NOW).digest
    }

    #[test]
    fn only_the_same_request_has_the_same_digest() {
        let plain = digest("CreateTenant", &["acme", "Acme"]);
        assert_eq!(plain, digest("CreateTenant", &["acme", "Acme"]));
        for other in [
            digest("CreateThing", &["acme", "Acme"]),
            digest("CreateTenant", &["acme", "Acm"]),
            digest("CreateTenant", &["acmeA", "cme"]),
            digest("CreateTenant", &["acme", "Acme", ""]),
            digest("CreateTenant", &["acme"]),
        ] {
            assert_ne!(plain, other);
        }
    }
}
