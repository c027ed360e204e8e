//! The guard of one replica: the policies in force, and what to do about a call they do not allow.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use broker_crypto::Entropy;
use tokio::sync::{Mutex, Notify};

use super::permit::Permit;
use super::rate::Buckets;
use super::set::{Refusal, Standing};
use super::tally::{Outcome, Tally};
use super::upkeep::Reading;
use super::{AccessCount, AccessPolicy, Ask, Asked, PolicyOrigin, PolicySet, RequestRate};
use crate::ports::AccessStore;
use crate::{BrokerError, Clock};

/// What to do about a call that no policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// Refuse it.
    Enforce,
    /// Log that it would be refused, and let it pass.
    Shadow,
}

/// What the configuration says of access.
#[derive(Debug)]
pub struct AccessSettings {
    /// Policies that are always in force.
    pub configured: Vec<AccessPolicy>,
    /// What to do about what they do not allow.
    pub enforcement: Enforcement,
    /// How often a tenant is served, by this replica and for all callers together. Shadow mode does not lift it.
    pub tenant_rate: Option<RequestRate>,
}

/// What the configuration says, with its buckets.
pub(super) struct Rules {
    pub(super) configured: Vec<AccessPolicy>,
    enforcement: Enforcement,
    tenant_buckets: Option<Buckets>,
}

impl From<AccessSettings> for Rules {
    fn from(settings: AccessSettings) -> Self {
        let AccessSettings { configured, enforcement, tenant_rate } = settings;
        Self { configured, enforcement, tenant_buckets: tenant_rate.map(Buckets::new) }
    }
}

/// Decides what callers may do, by the policies of the configuration and of the store.
pub struct Access {
    pub(super) store: Arc<dyn AccessStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    rules: RwLock<Arc<Rules>>,
    policies: RwLock<Arc<PolicySet>>,
    changed: Notify,
    /// Held while the store is read, so that an older reading never replaces a newer one.
    pub(super) reading: Mutex<Reading>,
    tally: Tally,
}

impl Access {
    /// Only the configured policies are in force before [`Self::read_policies`].
    pub fn new(
        settings: AccessSettings,
        store: Arc<dyn AccessStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Arc<Self> {
        let policies = PolicySet::new(settings.configured.iter().cloned());
        Arc::new(Self {
            store,
            clock,
            entropy,
            rules: RwLock::new(Arc::new(settings.into())),
            policies: RwLock::new(Arc::new(policies)),
            changed: Notify::new(),
            reading: Mutex::default(),
            tally: Tally::default(),
        })
    }

    /// What is done about a call that no policy allows.
    pub fn enforcement(&self) -> Enforcement {
        self.rules().enforcement
    }

    /// From now on the configuration says this. What operators created stays in force. Buckets of tenants are full again.
    pub async fn configure(&self, settings: AccessSettings) {
        // Held, so that no reading of the store goes on with what the configuration said before.
        let _reading = self.reading.lock().await;
        let rules = Arc::new(Rules::from(settings));
        let policies = self.policies();
        let created = policies.policies().filter(|policy| policy.origin != PolicyOrigin::Configured);
        let all = rules.configured.iter().chain(created).cloned();
        let others = policies.replaced_by(all);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
        self.put_in_force(others);
    }

    pub(super) fn rules(&self) -> Arc<Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The policies in force.
    pub fn policies(&self) -> Arc<PolicySet> {
        self.policies.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn put_in_force(&self, policies: PolicySet) {
        *self.policies.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policies);
        self.changed.notify_waiters();
    }

    /// Returns once other policies are in force than these.
    pub async fn others_than(&self, seen: &Arc<PolicySet>) {
        let changed = self.changed.notified();
        tokio::pin!(changed);
        // Before the comparison: a change right after it is heard.
        changed.as_mut().enable();
        if Arc::ptr_eq(&self.policies(), seen) {
            changed.await;
        }
    }

    /// Whether what was allowed still is. Spends of no rate. Fails with `AccessDenied`.
    pub fn still_allows(&self, ask: &Ask<'_>) -> Result<(), BrokerError> {
        let allowed = self.enforcement() == Enforcement::Shadow || self.policies().decide(ask).is_some();
        if allowed { Ok(()) } else { Err(self.refuse(ask, Refusal::Denied)) }
    }

    /// How many calls were refused, or would have been.
    pub fn refusals(&self) -> Vec<AccessCount> {
        self.tally.read()
    }

    /// Decides, and spends of the rates. Waits for nothing. Fails with `AccessDenied`, or with `TenantRateLimited` where
    /// only a rate stands against it.
    pub fn admit(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Permit, BrokerError> {
        let by = self.decide(ask)?;
        self.spend_of_tenant(ask)?;
        Ok(Permit::of(self.clone(), ask, by))
    }

    /// The policy that allows it. `None`: shadow mode does.
    pub(super) fn decide(&self, ask: &Ask<'_>) -> Result<Option<Arc<Standing>>, BrokerError> {
        match (self.admitting(ask), self.enforcement()) {
            (Ok(standing), _) => Ok(Some(standing)),
            (Err(refusal), Enforcement::Shadow) => {
                self.note(ask, refusal, Outcome::Shadowed);
                Ok(None)
            }
            (Err(refusal), Enforcement::Enforce) => Err(self.refuse(ask, refusal)),
        }
    }

    /// The same whatever the mode: what shadow mode let pass here would outlive it.
    pub(super) fn decide_strictly(&self, ask: &Ask<'_>) -> Result<(), BrokerError> {
        self.admitting(ask).map(drop).map_err(|refusal| self.refuse(ask, refusal))
    }

    fn admitting(&self, ask: &Ask<'_>) -> Result<Arc<Standing>, Refusal> {
        self.policies().admit(ask, self.clock.as_ref()).cloned()
    }

    fn spend_of_tenant(&self, ask: &Ask<'_>) -> Result<(), BrokerError> {
        let rules = self.rules();
        let (Some(buckets), Asked::One(tenant)) = (&rules.tenant_buckets, ask.tenant) else {
            return Ok(());
        };
        let spent = buckets.take(tenant.as_str(), self.clock.as_ref());
        spent.map_err(|wait| self.refuse(ask, Refusal::RateLimited(wait)))
    }

    fn refuse(&self, ask: &Ask<'_>, refusal: Refusal) -> BrokerError {
        let (outcome, error) = match refusal {
            Refusal::Denied => (Outcome::Denied, BrokerError::AccessDenied),
            Refusal::RateLimited(wait) => (Outcome::RateLimited, BrokerError::TenantRateLimited(wait)),
        };
        self.note(ask, refusal, outcome);
        error
    }

    /// One line, to be found by its message and fields.
    fn note(&self, ask: &Ask<'_>, refusal: Refusal, outcome: Outcome) {
        self.tally.count(ask.action, outcome);
        let Ask { rpc, principal, action, tenant, provider, scopes } = ask;
        let scopes = scopes.map(|scopes| scopes.join(" "));
        let wait_ms = refusal.wait().map(|wait| wait.as_millis() as u64);
        match outcome {
            Outcome::Shadowed => tracing::warn!(
                rpc, %principal, %action, %tenant, %provider, scopes, wait_ms, "access would be denied"
            ),
            Outcome::Denied => {
                tracing::info!(rpc, %principal, %action, %tenant, %provider, scopes, "access denied");
            }
            // There may be very many of these.
            Outcome::RateLimited => {
                tracing::debug!(rpc, %principal, %action, %tenant, %provider, wait_ms, "access rate limited");
            }
        }
    }
}

impl Refusal {
    fn wait(self) -> Option<Duration> {
        match self {
            Self::Denied => None,
            Self::RateLimited(wait) => Some(wait),
        }
    }
}
