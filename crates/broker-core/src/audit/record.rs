//! One record of the audit log.

use super::AuditAction;
use crate::{Generation, GrantKey, Principal, ProviderName, TenantId, Timestamp};

/// What is said of one action. Never a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Whose log it belongs to; `None` for what concerns every tenant.
    pub tenant: Option<TenantId>,
    /// The caller; `None` for the broker itself.
    pub principal: Option<Principal>,
    /// What.
    pub action: AuditAction,
    /// The grant it concerned, if it was one.
    pub key: Option<GrantKey>,
    /// The provider it concerned; that of `key` where there is one.
    pub provider: Option<ProviderName>,
    /// What else it concerned, for example `registrations/main`; empty if nothing. At most 1024 bytes.
    pub resource: String,
    /// The generation served or adopted.
    pub generation: Option<Generation>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// What the caller said it was for.
    pub purpose: String,
    /// Which access token was vended.
    pub token: Option<TokenFingerprint>,
}

impl AuditRecord {
    /// The same, about a grant.
    pub fn about(self, key: &GrantKey) -> Self {
        Self { key: Some(key.clone()), provider: Some(key.provider.clone()), ..self }
    }

    /// The same, at a provider.
    pub fn at_provider(self, provider: &ProviderName) -> Self {
        Self { provider: Some(provider.clone()), ..self }
    }

    /// The same, about a resource.
    pub fn resource(self, resource: impl Into<String>) -> Self {
        Self { resource: resource.into(), ..self }
    }
}

/// How an audited action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditOutcome {
    /// Done.
    Succeeded,
    /// Not allowed; the name of the Reason, without its prefix.
    Denied(String),
    /// Allowed, and failed; the name of the Reason, without its prefix.
    Failed(String),
}

/// Tells access tokens apart without telling them: HMAC-SHA-256 of the token under a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenFingerprint(pub [u8; 32]);
