//! Conversations with the store.

use super::Family;
use crate::store::Store;

pub(super) fn families(store: &Store) -> Vec<Family> {
    let family = Family::histogram(
        "db.client.operation.duration",
        "Operations of the store, waiting for a connection included",
    );
    let operations = store.operations().read();
    let times = operations.into_iter().fold(family, |family, operation| {
        let labels = [
            ("db.system.name", store.system()),
            ("db.operation.name", operation.name),
            ("error.type", operation.error),
        ];
        family.point(labels, operation.times)
    });
    let mut families = vec![times];
    if let Some(connections) = store.connections() {
        families.push(
            Family::gauge("token_broker.store_pool_connections", "Connections of this replica to Postgres")
                .point([("state", "used")], connections.used)
                .point([("state", "idle")], connections.idle),
        );
    }
    families
}
