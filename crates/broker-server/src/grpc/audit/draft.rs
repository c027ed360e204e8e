//! What is known of a call while it is answered.

use std::sync::{Arc, OnceLock};

use broker_core::{
    Actor, AuditAction, AuditOutcome, AuditRecord, GrantKey, Principal, ProviderName, TenantId, Timestamp,
};

/// The name of a caller whom nobody knows.
const ANONYMOUS: &str = "anonymous";

/// A record of a call, as far as is known. Stands among the extensions of its request.
#[derive(Debug, Clone)]
pub(crate) struct Draft(Arc<Known>);

#[derive(Debug)]
struct Known {
    action: AuditAction,
    caller: OnceLock<Principal>,
    about: OnceLock<About>,
}

/// What a call is about.
#[derive(Debug, Clone)]
enum About {
    Grant(GrantKey),
    Others(Option<TenantId>, Option<ProviderName>),
}

impl Draft {
    /// Of a call of that path, `/package.Service/Method`.
    pub(in crate::grpc) fn of(path: &str) -> Self {
        let action = AuditAction::named(path.trim_start_matches('/').to_owned());
        Self(Arc::new(Known { action, caller: OnceLock::new(), about: OnceLock::new() }))
    }

    /// Notes who calls.
    pub(crate) fn called_by(&self, caller: &Principal) {
        // The first to say so is the layer that knows.
        let _ = self.0.caller.set(caller.clone());
    }

    /// Notes which grant it is about. Of several the first.
    pub(crate) fn about_grant(&self, key: &GrantKey) {
        let _ = self.0.about.set(About::Grant(key.clone()));
    }

    /// Notes what else it is about.
    pub(crate) fn about(&self, tenant: Option<&TenantId>, provider: Option<&ProviderName>) {
        let _ = self.0.about.set(About::Others(tenant.cloned(), provider.cloned()));
    }

    /// Who does what.
    pub(crate) fn actor(&self) -> Actor {
        let caller = self.0.caller.get().cloned().or_else(|| Principal::new(ANONYMOUS));
        Actor { principal: caller, action: self.0.action.clone() }
    }

    /// The record that it ended so.
    pub(super) fn record(&self, outcome: AuditOutcome, at: Timestamp) -> AuditRecord {
        let actor = self.actor();
        let record = match self.0.about.get() {
            None => actor.did(None, at),
            Some(About::Grant(key)) => actor.did(Some(&key.tenant), at).about(key),
            Some(About::Others(tenant, provider)) => {
                let record = actor.did(tenant.as_ref(), at);
                provider.iter().fold(record, |record, provider| record.at_provider(provider))
            }
        };
        AuditRecord { outcome, ..record }
    }
}
