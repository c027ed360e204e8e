//! A record as a store keeps it: columns, which a foreign hand may have written.

use super::{AuditOutcome, AuditRecord};
use crate::{Principal, ProviderName, TenantId};

/// The columns of a record. Whatever they hold can be hashed and compared; only what was verified means something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeptRecord {
    /// Microseconds since the Unix epoch.
    pub at: i64,
    /// The tenant; empty for what concerns every tenant.
    pub tenant: String,
    /// The caller; `None` for the broker itself.
    pub principal: Option<String>,
    /// See [`AuditAction`](super::AuditAction).
    pub action: String,
    /// The provider.
    pub provider: Option<String>,
    /// The user of a grant.
    pub user: Option<String>,
    /// The account of a grant.
    pub account: Option<String>,
    /// See [`AuditRecord::resource`].
    pub resource: String,
    /// The generation.
    pub generation: Option<i64>,
    /// `succeeded`, `denied` or `failed`.
    pub outcome: String,
    /// The name of the Reason; empty on success.
    pub reason: String,
    /// What the caller said it was for.
    pub purpose: String,
    /// The fingerprint of the token vended.
    pub fingerprint: Option<Vec<u8>>,
}

impl From<&AuditRecord> for KeptRecord {
    fn from(record: &AuditRecord) -> Self {
        let (outcome, reason) = record.outcome.words();
        let key = record.key.as_ref();
        Self {
            at: record.at.as_unix_micros(),
            tenant: record.tenant.as_ref().map(TenantId::to_string).unwrap_or_default(),
            principal: record.principal.as_ref().map(Principal::to_string),
            action: record.action.as_str().to_owned(),
            provider: record.provider.as_ref().map(ProviderName::to_string),
            user: key.map(|key| key.user.to_string()),
            account: key.map(|key| key.account.to_string()),
            resource: record.resource.clone(),
            generation: record.generation.map(|generation| generation.get().cast_signed()),
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            purpose: record.purpose.clone(),
            fingerprint: record.token.map(|token| token.0.to_vec()),
        }
    }
}

impl AuditOutcome {
    /// How it is kept: its word, and the reason.
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Succeeded => ("succeeded", ""),
            Self::Denied(reason) => ("denied", reason),
            Self::Failed(reason) => ("failed", reason),
        }
    }
}
