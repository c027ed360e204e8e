//! Whether the store and the backend of leases answer.

use broker_core::ports::CoordinationSnapshot;

use super::Family;
use crate::condition::Condition;

pub(super) fn families(condition: &Condition) -> Vec<Family> {
    let mut families = vec![
        Family::gauge("token_broker.store_up", "Whether the store answered when it was last needed")
            .value(condition.store_answers),
        Family::gauge("token_broker.lease_backend_up", "Whether leases, wake-ups and budgets are shared")
            .value(condition.lease_works()),
        Family::gauge("token_broker.refresh_paused", "Whether this replica refreshes nothing")
            .value(!condition.refresh_works()),
    ];
    families.extend(condition.lease.iter().flat_map(lease));
    families
}

fn lease(lease: &CoordinationSnapshot) -> Vec<Family> {
    vec![
        Family::counter("token_broker.lease_errors", "Lease requests that were not answered")
            .value(lease.lease_errors),
        Family::counter(
            "token_broker.wakeup_gaps",
            "Times in which news of other replicas may have been missed",
        )
        .value(lease.wakeup_gaps),
        Family::counter("token_broker.wakeups_lost", "News that other replicas were not told of")
            .value(lease.wakeups_lost),
        Family::counter("token_broker.budget_fallbacks", "Budget requests answered from the local share")
            .value(lease.budget_fallbacks),
    ]
}
