//! What is counted of the audit log.

use broker_core::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::audit::Audit;

pub(super) fn register(registry: &mut Registry, audit: &Audit, now: Timestamp) {
    let (recorded, sealed) = (audit.recorder.counts(), audit.sealer.counts());
    let counts = [
        ("audit_vends_recorded", "Audit records of vended tokens written", recorded.vends_written),
        (
            "audit_vends_refused",
            "Tokens not given because they could not be recorded",
            recorded.vends_refused,
        ),
        ("audit_failures_recorded", "Audit records of failed calls written", recorded.failures_written),
        ("audit_failures_dropped", "Audit records of failed calls left out", recorded.failures_dropped),
        ("audit_sealed", "Audit records chained by this replica", sealed.sealed),
        ("audit_heads_gone_back", "Times an audit log was not where it was left", sealed.heads_gone_back),
    ];
    for (name, help, value) in counts {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    let oldest = sealed.oldest_unsealed.map_or(0, |oldest| now.since(oldest).as_secs());
    let gauges = [
        ("audit_vends_waiting", "Audit records of vended tokens not written yet", recorded.vends_waiting),
        ("audit_unsealed_seconds", "Age of the oldest audit record that is in no chain", oldest),
    ];
    for (name, help, value) in gauges {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
}
