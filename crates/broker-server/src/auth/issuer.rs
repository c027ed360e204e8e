//! The issuers whose tokens are accepted.

use std::sync::Arc;

use axum::http::HeaderMap;
use broker_core::{Clock, Principal};
use broker_crypto::jwt::{SignedToken, TokenRefused, TokenRules, Verified};
use broker_crypto::sha256;

use super::bearer;
use super::issuer_keys::{IssuerKeys, Keys};
use super::refusal::Refusal;
use super::token_memory::TokenMemory;

/// Knows callers by their bearer tokens.
pub(super) struct Issuers {
    issuers: Vec<Issuer>,
    memory: TokenMemory,
    clock: Arc<dyn Clock>,
}

/// One issuer.
pub(super) struct Issuer {
    pub(super) rules: TokenRules,
    /// What is put before the subject.
    pub(super) prefix: String,
    pub(super) keys: IssuerKeys,
}

impl Issuers {
    pub(super) fn new(issuers: Vec<Issuer>, clock: Arc<dyn Clock>) -> Self {
        Self { issuers, memory: TokenMemory::new(), clock }
    }

    /// The keys of each.
    pub(super) fn keys(&self) -> impl Iterator<Item = &IssuerKeys> {
        self.issuers.iter().map(|issuer| &issuer.keys)
    }

    /// Whom the bearer token of a request names.
    pub(super) async fn principal(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let token = bearer::token(headers)?;
        let (digest, now) = (sha256(token.as_bytes()), self.now());
        if let Some(known) = self.memory.recall(&digest, now, |at| self.issuers[at].keys.current()) {
            return Ok(known);
        }
        let token = SignedToken::parse(token)?;
        let claimed = token.claimed_issuer().ok_or(Refusal::UnknownIssuer)?;
        let at = self.issuers.iter().position(|issuer| issuer.rules.issuer == claimed);
        let at = at.ok_or(Refusal::UnknownIssuer)?;
        let (verified, keys) = self.verify(&self.issuers[at], &token).await?;
        let principal = Principal::new(&format!("{}{}", self.issuers[at].prefix, verified.subject));
        let principal = principal.ok_or(Refusal::Name)?;
        self.memory.remember(digest, principal.clone(), at, &keys, verified.expires_at);
        Ok(principal)
    }

    /// A token signed with a key nobody knows has the keys read once more: its issuer may have a new one.
    async fn verify(
        &self,
        issuer: &Issuer,
        token: &SignedToken<'_>,
    ) -> Result<(Verified, Arc<Keys>), Refusal> {
        if let Some(keys) = issuer.keys.current() {
            match token.verify(&keys.set, &issuer.rules, self.now()) {
                Err(TokenRefused::UnknownKey) => {}
                outcome => return Ok((outcome?, keys)),
            }
        }
        let read = issuer.keys.read_anew().await;
        let is_current = read.is_some() && issuer.keys.is_fresh();
        let keys = read.or_else(|| issuer.keys.current()).ok_or(Refusal::StaleKeys)?;
        match token.verify(&keys.set, &issuer.rules, self.now()) {
            // Its key may be a new one.
            Err(TokenRefused::UnknownKey) if !is_current => Err(Refusal::StaleKeys),
            outcome => Ok((outcome?, keys)),
        }
    }

    /// Seconds since the Unix epoch.
    fn now(&self) -> i64 {
        self.clock.now().as_unix_micros().div_euclid(1_000_000)
    }
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;
