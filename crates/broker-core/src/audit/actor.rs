//! Who acts.

use super::{AuditAction, AuditOutcome, AuditRecord};
use crate::{Principal, TenantId, Timestamp};

/// Who does something, and by which action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The caller; `None` for the broker itself.
    pub principal: Option<Principal>,
    /// What it does.
    pub action: AuditAction,
}

impl Actor {
    /// A caller, by an RPC.
    pub fn caller(principal: Principal, action: AuditAction) -> Self {
        Self { principal: Some(principal), action }
    }

    /// The broker itself.
    pub fn broker(action: AuditAction) -> Self {
        Self { principal: None, action }
    }

    /// The record that it did so to a tenant, or to the installation.
    pub fn did(&self, tenant: Option<&TenantId>, at: Timestamp) -> AuditRecord {
        AuditRecord {
            at,
            tenant: tenant.cloned(),
            principal: self.principal.clone(),
            action: self.action.clone(),
            key: None,
            provider: None,
            resource: String::new(),
            generation: None,
            outcome: AuditOutcome::Succeeded,
            purpose: String::new(),
            token: None,
        }
    }
}
