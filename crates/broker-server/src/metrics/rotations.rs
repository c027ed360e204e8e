//! Rotations, by what they ended as and what waits.

use broker_core::Broker;

use super::Family;
use crate::engine::Engine;

pub(super) fn families(engine: &Engine) -> Vec<Family> {
    match engine {
        Engine::Broker(broker) => of_rotator(broker),
        Engine::Api(api) => vec![
            Family::gauge("token_broker.rotations_awaited", "Rotations asked of a rotator and waited for")
                .value(api.rotations_awaited()),
        ],
    }
}

fn of_rotator(broker: &Broker) -> Vec<Family> {
    vec![
        Family::gauge("token_broker.attempts_under_way", "Rotations and code exchanges under way")
            .value(broker.attempts_under_way()),
        ended(broker),
        waiting(broker),
        degraded(broker),
        rejected(broker),
    ]
}

fn ended(broker: &Broker) -> Family {
    let family = Family::counter("token_broker.attempts_ended", "Attempts by what they ended as");
    broker.attempts_ended().into_iter().fold(family, |family, end| {
        let labels = [("provider", end.provider.as_str()), ("conclusion", end.conclusion)];
        family.point(labels, end.count)
    })
}

fn waiting(broker: &Broker) -> Family {
    let family = Family::gauge("token_broker.grants_waiting", "Grants read as due and not started");
    let providers = broker.scheduler_status().providers;
    providers
        .into_iter()
        .fold(family, |family, status| family.point([("provider", status.provider.as_str())], status.waiting))
}

fn degraded(broker: &Broker) -> Family {
    let family = Family::gauge(
        "token_broker.provider_degraded",
        "Providers whose refusals are not believed at present",
    );
    let providers = broker.degraded_providers();
    providers
        .into_iter()
        .fold(family, |family, provider| family.point([("provider", provider.as_str())], true))
}

fn rejected(broker: &Broker) -> Family {
    let family = Family::gauge(
        "token_broker.registrations_rejected",
        "Client registrations whose every secret the provider refuses, in all replicas",
    );
    broker
        .rejected_registrations()
        .into_iter()
        .fold(family, |family, (provider, count)| family.point([("provider", provider.as_str())], count))
}
