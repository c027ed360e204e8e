//! What is counted of the audit log.

use broker_core::Timestamp;

use super::{Family, Unit};
use crate::audit::Audit;

pub(super) fn families(audit: &Audit, now: Timestamp) -> Vec<Family> {
    let (recorded, sealed) = (audit.recorder.counts(), audit.sealer.counts());
    let unsealed = sealed.oldest_unsealed.map_or(0, |oldest| now.since(oldest).as_secs());
    vec![
        Family::counter("token_broker.audit_vends_recorded", "Audit records of vended tokens written")
            .value(recorded.vends_written),
        Family::counter(
            "token_broker.audit_vends_refused",
            "Tokens not given because they could not be recorded",
        )
        .value(recorded.vends_refused),
        Family::counter("token_broker.audit_failures_recorded", "Audit records of failed calls written")
            .value(recorded.failures_written),
        Family::counter("token_broker.audit_failures_dropped", "Audit records of failed calls left out")
            .value(recorded.failures_dropped),
        Family::counter("token_broker.audit_sealed", "Audit records chained by this replica")
            .value(sealed.sealed),
        Family::counter("token_broker.audit_heads_gone_back", "Times an audit log was not where it was left")
            .value(sealed.heads_gone_back),
        Family::gauge("token_broker.audit_vends_waiting", "Audit records of vended tokens not written yet")
            .value(recorded.vends_waiting),
        Family::gauge("token_broker.audit_unsealed", "Age of the oldest audit record that is in no chain")
            .unit(Unit::Seconds)
            .value(unsealed),
    ]
}
