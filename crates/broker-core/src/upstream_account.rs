//! Whose account at the provider a grant is of, and which refresh token began it: kept as codes, never in the clear.

use std::fmt;

/// A user's account in the provider's own words. Personal data: it is compared and never kept.
pub struct UpstreamAccount(String);

impl UpstreamAccount {
    /// An account of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UpstreamAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamAccount([redacted])")
    }
}

/// Tells upstream accounts apart without telling them: HMAC-SHA-256 of the account, with its tenant and provider, under
/// a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountDigest(pub [u8; 32]);

/// Recognises the refresh token that began a lineage: HMAC-SHA-256 under a key of its own. Evidence, never a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RefreshTokenFingerprint(pub [u8; 32]);
