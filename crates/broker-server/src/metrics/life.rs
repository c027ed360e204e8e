//! What the process went through: connections, and panics.

use super::Family;
use crate::condition::Conditions;
use crate::panics;

pub(super) fn families(conditions: &Conditions) -> Vec<Family> {
    let connections = Family::gauge("token_broker.connections", "Connections of callers there are");
    let refused = Family::counter(
        "token_broker.connections_refused",
        "Connections closed at once, as there were as many as may be",
    );
    let panics = Family::counter("token_broker.panics", "Tasks that panicked: bugs of the broker");
    let families = conditions.slots.iter().fold([connections, refused], |[there, refused], slots| {
        let listener = [("listener", slots.listener())];
        [there.point(listener, slots.used()), refused.point(listener, slots.refused())]
    });
    families.into_iter().chain([counted(panics)]).collect()
}

fn counted(family: Family) -> Family {
    panics::counts().into_iter().fold(family, |family, (task, count)| family.point([("task", task)], count))
}
