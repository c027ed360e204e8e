//! What this replica counts, as one snapshot. `/metrics` writes it in the Prometheus text format.

mod access;
mod audit;
mod backends;
mod callers;
mod calls;
mod family;
mod grants;
mod keys;
mod life;
pub(crate) mod otlp;
mod process;
mod rotations;
mod rpcs;
mod store;
mod text;
mod vends;
mod work;

use self::family::{Family, Unit};
use crate::condition::Conditions;
use crate::role::Role;

/// Everything that is measured, at this time. Names of providers and of conclusions are in it, no tenant, user or
/// secret.
pub(crate) fn snapshot(conditions: &Conditions) -> Vec<Family> {
    let (now, measured) = (conditions.now(), &conditions.measured);
    let clock = conditions.audit.recorder.now();
    [
        build(measured.role),
        backends::families(&now),
        callers::families(&now.auth),
        rotations::families(&conditions.engine),
        access::families(&conditions.access),
        keys::families(&conditions.engine),
        audit::families(&conditions.audit, clock),
        vends::families(measured),
        grants::families(&conditions.engine),
        work::families(&conditions.engine, clock),
        rpcs::families(&measured.rpcs),
        calls::families(&measured.calls),
        store::families(&measured.store),
        process::families(measured.started_at),
        life::families(conditions),
    ]
    .concat()
}

fn build(role: Role) -> Vec<Family> {
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("role", role.as_str())];
    vec![Family::gauge("token_broker.build_info", "Which program this is").point(labels, true)]
}

/// The same as a page.
pub(crate) fn page(conditions: &Conditions) -> Result<String, std::fmt::Error> {
    text::page(snapshot(conditions))
}
