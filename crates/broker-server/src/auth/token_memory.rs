//! Tokens that were verified, remembered by their digest so that a busy caller's is not verified at each call.

use std::sync::Arc;

use broker_core::Principal;
use quick_cache::sync::Cache;

use super::issuer_keys::Keys;

/// How many; about 200 bytes each.
const MOST_TOKENS: usize = 10_000;

pub(super) struct TokenMemory(Cache<[u8; 32], Remembered>);

#[derive(Clone)]
struct Remembered {
    principal: Principal,
    /// Place of its issuer in the configuration, and the version of the keys that verified it.
    issuer: usize,
    keys: u64,
    /// Seconds since the Unix epoch.
    expires_at: i64,
}

impl TokenMemory {
    pub(super) fn new() -> Self {
        Self(Cache::new(MOST_TOKENS))
    }

    /// Whom the token of this digest names: if it has not expired, and its issuer's keys are still those that verified
    /// it. `keys` tells those of an issuer.
    pub(super) fn recall(
        &self,
        digest: &[u8; 32],
        now: i64,
        keys: impl FnOnce(usize) -> Option<Arc<Keys>>,
    ) -> Option<Principal> {
        let known = self.0.get(digest)?;
        let fresh = now < known.expires_at && keys(known.issuer)?.number == known.keys;
        fresh.then_some(known.principal)
    }

    pub(super) fn remember(
        &self,
        digest: [u8; 32],
        principal: Principal,
        issuer: usize,
        keys: &Keys,
        expires_at: i64,
    ) {
        self.0.insert(digest, Remembered { principal, issuer, keys: keys.number, expires_at });
    }
}
