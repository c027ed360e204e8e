//! The gates of all providers: every rotation passes here and reports back, whoever started it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::gate::{Gate, GateRules, ProviderGate, counts};
use super::standing::BreakerStanding;
use crate::{FailureKind, GrantKey, ProviderFailure, ProviderName, RegistrationId, TenantId, Timestamp};

/// Longer than this no registration is left alone because of one answer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// Which providers may be called, as this process has found them.
#[derive(Debug)]
pub(crate) struct Gates {
    rules: GateRules,
    providers: Mutex<HashMap<ProviderName, Provider>>,
}

#[derive(Debug, Default)]
struct Provider {
    gate: ProviderGate,
    /// Registrations told to wait, and until when.
    throttled: HashMap<(TenantId, RegistrationId), Timestamp>,
}

impl Gates {
    pub(crate) fn new(rules: GateRules) -> Self {
        Self { rules, providers: Mutex::default() }
    }

    /// How a provider's gate stands.
    pub(crate) fn gate(&self, provider: &ProviderName, now: Timestamp) -> Gate {
        self.lock().get(provider).map_or(Gate::Open, |provider| provider.gate.gate(now))
    }

    /// The same, for operators.
    pub(crate) fn standing(&self, provider: &ProviderName, now: Timestamp) -> BreakerStanding {
        let providers = self.lock();
        providers.get(provider).map_or_else(BreakerStanding::closed, |provider| provider.gate.standing(now))
    }

    /// Whether an open gate is open for one call only.
    pub(super) fn on_trial(&self, provider: &ProviderName) -> bool {
        self.lock().get(provider).is_some_and(|provider| provider.gate.on_trial())
    }

    /// How long one registration was told to wait.
    pub(crate) fn registration(&self, key: &GrantKey, registration: &RegistrationId, now: Timestamp) -> Gate {
        let providers = self.lock();
        let Some(provider) = providers.get(&key.provider) else { return Gate::Open };
        let client = (key.tenant.clone(), registration.clone());
        Gate::until(provider.throttled.get(&client).copied(), now)
    }

    /// Passes one rotation of this grant, or says until when there is no point. What the
    /// call brings is told to [`Gates::heard`], and then that it is over to [`Gates::ended`].
    pub(crate) fn admit(&self, key: &GrantKey, registration: &RegistrationId, now: Timestamp) -> Gate {
        match self.registration(key, registration, now) {
            Gate::Open => match self.lock().get_mut(&key.provider) {
                Some(provider) => provider.gate.admit(now, self.rules),
                None => Gate::Open,
            },
            closed => closed,
        }
    }

    /// What a call brought: `None` for tokens. `draw` in [0, 1) spreads the trials of replicas apart.
    pub(crate) fn heard(
        &self,
        key: &GrantKey,
        registration: &RegistrationId,
        failure: Option<&ProviderFailure>,
        now: Timestamp,
        draw: f64,
    ) {
        let mut providers = self.lock();
        match failure {
            None => {
                if let Some(provider) = providers.get_mut(&key.provider) {
                    provider.gate.answered();
                }
            }
            Some(failure) => {
                let provider = providers.entry(key.provider.clone()).or_default();
                provider.gate.failed(failure, now, self.rules, draw);
                provider.rest(&key.tenant, registration, failure, now);
            }
        }
    }

    /// A rotation that passed has ended: if it was a trial and nothing was heard of it, the next one may be.
    pub(crate) fn ended(&self, provider: &ProviderName, now: Timestamp) {
        if let Some(provider) = self.lock().get_mut(provider) {
            provider.gate.ended(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProviderName, Provider>> {
        self.providers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider {
    /// Obeys Retry-After. Too many requests are one client's, until a second client hears the same: one tenant's
    /// overdrawn registration stops nobody else. Anything else is the whole provider's.
    fn rest(
        &mut self,
        tenant: &TenantId,
        registration: &RegistrationId,
        failure: &ProviderFailure,
        now: Timestamp,
    ) {
        let Some(pause) = failure.retry_after.filter(|_| counts(failure.kind)) else { return };
        if failure.kind != FailureKind::Throttled {
            return self.gate.rest(pause, now);
        }
        self.throttled.retain(|_, until| *until > now);
        let client = (tenant.clone(), registration.clone());
        if self.throttled.keys().any(|other| *other != client) {
            self.gate.rest(pause, now);
        }
        self.throttled.insert(client, now + pause.min(LONGEST_RETRY_AFTER));
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, key};
    use super::*;

    fn gates() -> Gates {
        Gates::new(GateRules {
            pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(300),
            trial: Duration::from_secs(60),
        })
    }

    fn main() -> RegistrationId {
        RegistrationId::new("main").unwrap()
    }

    fn asks_to_wait(gates: &Gates, tenant: &str, kind: FailureKind, seconds: u64) {
        let failure =
            ProviderFailure { retry_after: Some(Duration::from_secs(seconds)), ..ProviderFailure::of(kind) };
        gates.heard(&key(tenant, "p", "ada"), &main(), Some(&failure), at(0), 0.5);
    }

    fn admitted(gates: &Gates, tenant: &str, now: i64) -> Gate {
        gates.admit(&key(tenant, "p", "ada"), &main(), at(now))
    }

    #[test]
    fn a_throttled_registration_waits_alone() {
        let gates = gates();
        asks_to_wait(&gates, "a", FailureKind::Throttled, 7200);
        assert_eq!(admitted(&gates, "a", 0), Gate::ClosedUntil(at(7200)));
        assert_eq!(admitted(&gates, "b", 0), Gate::Open);
        assert_eq!(admitted(&gates, "a", 7200), Gate::Open);
    }

    #[test]
    fn a_second_throttled_registration_closes_the_provider_for_all() {
        let gates = gates();
        asks_to_wait(&gates, "a", FailureKind::Throttled, 60);
        asks_to_wait(&gates, "b", FailureKind::Throttled, 30);
        assert_eq!(admitted(&gates, "c", 29), Gate::ClosedUntil(at(30)));
        assert_eq!(admitted(&gates, "c", 30), Gate::Open);
        assert_eq!(admitted(&gates, "a", 30), Gate::ClosedUntil(at(60)));
    }

    #[test]
    fn a_provider_out_of_service_is_left_alone_as_a_whole() {
        let gates = gates();
        asks_to_wait(&gates, "a", FailureKind::Uncertain, 30);
        assert_eq!(admitted(&gates, "b", 0), Gate::ClosedUntil(at(30)));
        assert_eq!(gates.gate(&key("b", "q", "ada").provider, at(0)), Gate::Open);
    }

    #[test]
    fn a_trial_that_was_not_made_leaves_it_to_the_next() {
        let gates = gates();
        for _ in 0..5 {
            let failure = ProviderFailure::of(FailureKind::Unreachable);
            gates.heard(&key("a", "p", "ada"), &main(), Some(&failure), at(0), 1.0);
        }
        assert_eq!(admitted(&gates, "a", 5), Gate::Open);
        assert_eq!(admitted(&gates, "b", 5), Gate::ClosedUntil(at(65)));
        gates.ended(&key("a", "p", "ada").provider, at(6));
        assert_eq!(admitted(&gates, "b", 6), Gate::Open);
    }
}
