//! `/metrics`: what this replica counts, in the Prometheus text format. Built anew at each scrape.

mod audit;

use std::sync::atomic::AtomicU64;

use broker_core::{Access, KeyRotationState};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::auth::Report;
use crate::condition::{Condition, Conditions};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ending {
    provider: String,
    conclusion: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    action: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AtProvider {
    provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    credential: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct For {
    reason: &'static str,
}

/// The page. Holds names of providers and of conclusions, no tenant, user or secret.
pub(crate) fn page(conditions: &Conditions) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("token_broker");
    let now = conditions.now();
    backends(&mut registry, &now);
    callers(&mut registry, &now.auth);
    rotations(&mut registry, conditions);
    access(&mut registry, &conditions.access);
    key_rotation(&mut registry, conditions);
    worn_keys(&mut registry, conditions);
    audit::register(&mut registry, &conditions.audit, conditions.audit.recorder.now());
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn backends(registry: &mut Registry, condition: &Condition) {
    gauge(
        registry,
        "store_up",
        "Whether the store answered when it was last needed",
        condition.store_answers,
    );
    gauge(
        registry,
        "lease_backend_up",
        "Whether leases, wake-ups and budgets are shared",
        condition.lease_works(),
    );
    gauge(registry, "refresh_paused", "Whether this replica refreshes nothing", !condition.refresh_works());
    let Some(lease) = &condition.lease else { return };
    let counts = [
        ("lease_errors", "Lease requests that were not answered", lease.lease_errors),
        ("wakeup_gaps", "Times in which news of other replicas may have been missed", lease.wakeup_gaps),
        ("wakeups_lost", "News that other replicas were not told of", lease.wakeups_lost),
        ("budget_fallbacks", "Budget requests answered from the local share", lease.budget_fallbacks),
    ];
    for (name, help, value) in counts {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
}

fn callers(registry: &mut Registry, auth: &Report) {
    let turned_away = Family::<For, Counter<u64, AtomicU64>>::default();
    for (reason, count) in &auth.turned_away {
        turned_away.get_or_create(&For { reason }).inc_by(*count);
    }
    registry.register(
        "callers_turned_away",
        "Calls and handshakes of callers that are not known",
        turned_away,
    );

    let fresh = Family::<Named, Gauge>::default();
    for credential in &auth.credentials {
        let label = Named { credential: credential.name.clone() };
        fresh.get_or_create(&label).set(i64::from(credential.fresh));
    }
    registry.register(
        "credential_fresh",
        "Whether what is used is what the file or the issuer says now",
        fresh,
    );

    let Some(ends) = auth.certificate_ends else { return };
    let gauge: Gauge = Gauge::default();
    gauge.set(ends.as_unix_micros() / 1_000_000);
    registry.register(
        "server_certificate_end_timestamp_seconds",
        "When the server's certificate ends",
        gauge,
    );
}

fn rotations(registry: &mut Registry, conditions: &Conditions) {
    if let Some(api) = conditions.engine.api() {
        let awaited: Gauge = Gauge::default();
        awaited.set(i64::try_from(api.rotations_awaited()).unwrap_or(i64::MAX));
        registry.register("rotations_awaited", "Rotations asked of a rotator and waited for", awaited);
    }
    let Some(broker) = conditions.engine.broker() else { return };
    let under_way: Gauge = Gauge::default();
    under_way.set(i64::try_from(broker.attempts_under_way()).unwrap_or(i64::MAX));
    registry.register("attempts_under_way", "Rotations and code exchanges under way", under_way);

    let ended = Family::<Ending, Counter<u64, AtomicU64>>::default();
    for end in broker.attempts_ended() {
        let label = Ending { provider: end.provider.to_string(), conclusion: end.conclusion };
        ended.get_or_create(&label).inc_by(end.count);
    }
    registry.register("attempts_ended", "Attempts by what they ended as", ended);

    let waiting = Family::<AtProvider, Gauge>::default();
    for status in broker.scheduler_status().providers {
        let label = AtProvider { provider: status.provider.to_string() };
        waiting.get_or_create(&label).set(i64::try_from(status.waiting).unwrap_or(i64::MAX));
    }
    registry.register("grants_waiting", "Grants read as due and not started", waiting);

    let breakers = Family::<AtProvider, Gauge>::default();
    for provider in broker.degraded_providers() {
        breakers.get_or_create(&AtProvider { provider: provider.to_string() }).set(1);
    }
    registry.register("provider_degraded", "Providers whose refusals are not believed at present", breakers);

    let rejected = Family::<AtProvider, Gauge>::default();
    for (provider, count) in broker.rejected_registrations() {
        let label = AtProvider { provider: provider.to_string() };
        rejected.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    registry.register(
        "registrations_rejected",
        "Client registrations whose every secret the provider refuses, in all replicas",
        rejected,
    );
}

fn access(registry: &mut Registry, access: &Access) {
    let refusals = Family::<Refusal, Counter<u64, AtomicU64>>::default();
    for refused in access.refusals() {
        let label = Refusal { action: refused.action.as_str(), outcome: refused.outcome };
        refusals.get_or_create(&label).inc_by(refused.count);
    }
    registry.register(
        "access_refusals",
        "Calls that no policy allows, or that are over their rate",
        refusals,
    );

    let policies: Gauge = Gauge::default();
    policies.set(i64::try_from(access.policies().policies().count()).unwrap_or(i64::MAX));
    registry.register("access_policies", "Access policies in force", policies);
}

/// Of the one this replica worked on last.
fn key_rotation(registry: &mut Registry, conditions: &Conditions) {
    let rotation = conditions.engine.broker().and_then(|broker| broker.key_rotation_worked_on());
    let Some(rotation) = rotation else { return };
    let running = rotation.state == KeyRotationState::Running;
    gauge(registry, "key_rotation_running", "Whether keys are rotated by this replica", running);
    let counts = [
        ("key_rotation_done", "Values or keys done by the key rotation worked on last", rotation.done),
        ("key_rotation_remaining", "Values or keys it has left, as far as is known", rotation.remaining),
        ("key_rotation_failed", "Values or keys it could not open", rotation.failed),
    ];
    for (name, help, value) in counts {
        let count: Gauge = Gauge::default();
        count.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, count);
    }
}

fn worn_keys(registry: &mut Registry, conditions: &Conditions) {
    let worn: Gauge = Gauge::default();
    worn.set(i64::try_from(conditions.engine.worn_keys()).unwrap_or(i64::MAX));
    registry.register(
        "data_keys_wearing_out",
        "Data keys this replica seals under that have sealed half of what they may",
        worn,
    );
}

fn gauge(registry: &mut Registry, name: &str, help: &str, on: bool) {
    let gauge: Gauge = Gauge::default();
    gauge.set(i64::from(on));
    registry.register(name, help, gauge);
}
