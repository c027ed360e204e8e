//! The grants of the whole installation, as they were counted last.

use broker_core::Counted;
use broker_core::ports::{DYING_WITHIN, ProviderGrants};

use super::{Family, Unit};
use crate::engine::Engine;

/// Empty until they were counted once, and where they are counted elsewhere.
pub(super) fn families(engine: &Engine) -> Vec<Family> {
    let counted = engine.broker().and_then(|broker| broker.measures().census.last());
    counted.as_ref().map(of_count).unwrap_or_default()
}

fn of_count(counted: &Counted) -> Vec<Family> {
    let undelivered = counted.undelivered_since.map_or(0, |since| counted.at.since(since).as_secs());
    vec![
        states(&counted.grants),
        phases(&counted.grants),
        dying(&counted.grants),
        expired(&counted.grants),
        overdue(counted),
        Family::gauge("token_broker.webhook_oldest_pending", "Age of the oldest event a webhook has not had")
            .unit(Unit::Seconds)
            .value(undelivered),
        Family::gauge("token_broker.grants_counted_timestamp", "When grants were counted, since 1970")
            .unit(Unit::Seconds)
            .value(counted.at.as_unix_micros() as f64 / 1e6),
    ]
}

fn states(grants: &[ProviderGrants]) -> Family {
    let family = Family::gauge("token_broker.grants", "Grants of the whole installation");
    grants.iter().fold(family, |family, of| {
        let states = [
            ("active", of.active),
            ("needs_consent", of.needs_consent),
            ("consent_expired", of.consent_expired),
            ("revoking", of.revoking),
            ("revoked", of.revoked),
        ];
        by(family, of, "state", &states)
    })
}

fn phases(grants: &[ProviderGrants]) -> Family {
    let family = Family::gauge("token_broker.grants_in_phase", "Active grants in the midst of a rotation");
    grants.iter().fold(family, |family, of| {
        let phases = [
            ("claimed", of.claimed),
            ("sent", of.sent),
            ("uncertain", of.uncertain),
            ("suspect", of.suspect),
        ];
        by(family, of, "phase", &phases)
    })
}

fn dying(grants: &[ProviderGrants]) -> Family {
    let family = Family::gauge("token_broker.grants_dying", "Active grants that die within a time");
    grants.iter().fold(family, |family, of| {
        DYING_WITHIN.iter().zip(of.dying).fold(family, |family, (within, count)| {
            let within = format!("{}h", within.as_secs() / 3600);
            family.point([("provider", of.provider.as_str()), ("within", &within)], count)
        })
    })
}

fn expired(grants: &[ProviderGrants]) -> Family {
    let family = Family::gauge(
        "token_broker.grants_without_valid_token",
        "Active grants whose access token has expired",
    );
    grants
        .iter()
        .fold(family, |family, of| family.point([("provider", of.provider.as_str())], of.without_valid_token))
}

fn overdue(counted: &Counted) -> Family {
    let family = Family::gauge("token_broker.due_oldest", "How overdue the most overdue active grant is");
    counted.grants.iter().fold(family.unit(Unit::Seconds), |family, of| {
        let overdue = of.due_since.map_or(0, |since| counted.at.since(since).as_secs());
        family.point([("provider", of.provider.as_str())], overdue)
    })
}

fn by(family: Family, of: &ProviderGrants, label: &'static str, counts: &[(&str, u64)]) -> Family {
    counts.iter().fold(family, |family, (value, count)| {
        family.point([("provider", of.provider.as_str()), (label, value)], *count)
    })
}
