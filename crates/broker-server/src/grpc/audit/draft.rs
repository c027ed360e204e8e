//! What is known of a call while it is answered.

use std::sync::{Arc, OnceLock};

use broker_core::{
    Actor, AuditAction, AuditOutcome, AuditRecord, GrantId, GrantKey, Principal, ProviderName, TenantId,
    Timestamp,
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
    given: OnceLock<Given>,
    batch: OnceLock<Batch>,
}

/// A token that was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given {
    /// How it came to be: `fresh`, `refreshed`, `stale`, `minted` or `api_key`.
    pub(crate) outcome: &'static str,
    /// Its generation.
    pub(crate) generation: u64,
    /// When it expires, if it does.
    pub(crate) expires_at: Option<Timestamp>,
}

/// How many tokens a batch asked for, and how many it was not given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) asked: usize,
    pub(crate) refused: usize,
}

/// What is told of a call when it ends. A user is in it only as the grant's id.
pub(in crate::grpc) struct Facts<'a> {
    pub(in crate::grpc) principal: Option<&'a str>,
    pub(in crate::grpc) tenant: Option<&'a str>,
    pub(in crate::grpc) provider: Option<&'a str>,
    pub(in crate::grpc) grant: Option<GrantId>,
    pub(in crate::grpc) outcome: Option<&'static str>,
    pub(in crate::grpc) generation: Option<u64>,
    pub(in crate::grpc) expires_at: Option<Timestamp>,
    pub(in crate::grpc) asked: Option<usize>,
    pub(in crate::grpc) refused: Option<usize>,
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
        let (caller, about) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Known { action, caller, about, given: OnceLock::new(), batch: OnceLock::new() }))
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

    /// Notes which token was given. Of several the first.
    pub(crate) fn gave(&self, given: Given) {
        let _ = self.0.given.set(given);
    }

    /// Notes what became of a batch.
    pub(crate) fn was_batch(&self, batch: Batch) {
        let _ = self.0.batch.set(batch);
    }

    /// What is known by now.
    pub(in crate::grpc) fn facts(&self) -> Facts<'_> {
        let batch = self.0.batch.get();
        // What one token of a batch was like says nothing of the others.
        let given = self.0.given.get().filter(|_| batch.is_none());
        let (tenant, provider, grant) = match self.0.about.get() {
            None => (None, None, None),
            Some(About::Grant(key)) => {
                let grant = batch.is_none().then(|| key.grant_id());
                (Some(key.tenant.as_str()), Some(key.provider.as_str()), grant)
            }
            Some(About::Others(tenant, provider)) => {
                (tenant.as_ref().map(TenantId::as_str), provider.as_ref().map(ProviderName::as_str), None)
            }
        };
        Facts {
            principal: self.0.caller.get().map(Principal::as_str),
            tenant,
            provider,
            grant,
            outcome: given.map(|given| given.outcome),
            generation: given.map(|given| given.generation),
            expires_at: given.and_then(|given| given.expires_at),
            asked: batch.map(|batch| batch.asked),
            refused: batch.map(|batch| batch.refused),
        }
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
