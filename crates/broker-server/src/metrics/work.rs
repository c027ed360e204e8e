//! What a process that rotates counts of its own work.

use broker_core::{Broker, Losses, ProviderName, Timestamp};

use super::{Family, Unit};
use crate::engine::Engine;

/// Empty where nothing is rotated.
pub(super) fn families(engine: &Engine, now: Timestamp) -> Vec<Family> {
    let Some(broker) = engine.broker() else { return Vec::new() };
    let mut families = times(broker);
    families.extend(counts(broker));
    families.extend(escrow(broker, now));
    families
}

fn times(broker: &Broker) -> Vec<Family> {
    let measures = broker.measures();
    let lateness =
        Family::histogram("token_broker.rotation_lateness", "From when a grant was due to its claim");
    let duration =
        Family::histogram("token_broker.rotation_duration", "From the claim to the end of an attempt");
    [(lateness, &measures.rotation_lateness), (duration, &measures.rotation_duration)]
        .map(|(family, times)| {
            times.read().into_iter().fold(family, |family, (provider, times)| {
                family.point([("provider", provider.as_str())], times)
            })
        })
        .into()
}

fn counts(broker: &Broker) -> Vec<Family> {
    let measures = broker.measures();
    let refusals = Family::counter(
        "token_broker.provider_budget_refusals",
        "Rotations put off because the provider's budget was spent",
    );
    let refusals = measures.budget_refusals.read().into_iter().fold(refusals, |family, (provider, count)| {
        family.point([("provider", ProviderName::as_str(&provider))], count)
    });
    let mints = Family::counter("token_broker.mints", "Tokens minted for machine credentials");
    let mints = measures.mints.read().into_iter().fold(mints, |family, ((provider, outcome), count)| {
        family.point([("provider", provider.as_str()), ("outcome", outcome)], count)
    });
    let leases = Family::counter("token_broker.leases", "Leases asked of their backend");
    let deliveries = Family::counter("token_broker.webhook_deliveries", "Deliveries to webhooks");
    let losses = Family::counter("token_broker.losses", "Grants lost between the provider and the store");
    vec![
        refusals,
        mints,
        closed(leases, "outcome", &["acquired", "contended", "unavailable"], &measures.leases.read()),
        closed(
            deliveries,
            "outcome",
            &["delivered", "refused", "failed", "disabled"],
            &measures.deliveries.read(),
        ),
        closed(losses, "point", &Losses::POINTS, &measures.losses.read()),
    ]
}

/// Counts of a closed set, those that are zero too: what begins with 1 has no rate.
fn closed(family: Family, label: &'static str, all: &[&str], counts: &[(&str, u64)]) -> Family {
    all.iter().fold(family, |family, name| {
        let count = counts.iter().find(|(counted, _)| counted == name).map_or(0, |(_, count)| *count);
        family.point([(label, name)], count)
    })
}

fn escrow(broker: &Broker, now: Timestamp) -> Vec<Family> {
    let load = broker.escrow_load();
    let oldest = load.oldest.map_or(0, |received_at| now.since(received_at).as_secs());
    vec![
        Family::gauge("token_broker.escrow_records", "Answers in the journal that are not settled")
            .value(load.records),
        Family::gauge("token_broker.escrow", "Bytes of answers in the journal that are not settled")
            .unit(Unit::Bytes)
            .value(load.bytes),
        Family::gauge(
            "token_broker.escrow_oldest",
            "Age of the oldest answer in the journal that is not settled",
        )
        .unit(Unit::Seconds)
        .value(oldest),
        Family::gauge("token_broker.escrow_damaged_records", "Records of the journal that cannot be read")
            .value(load.damaged),
        Family::gauge("token_broker.data_key_seals_max", "The most values one data key has sealed")
            .value(broker.most_seals()),
    ]
}
