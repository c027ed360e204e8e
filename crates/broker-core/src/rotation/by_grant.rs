//! Many records at once: those of one grant in their order, those of different grants beside each other.

use std::collections::HashMap;

use futures_util::stream::{self, Stream, StreamExt};

use crate::ports::EscrowRecord;

/// Grants at work at once: enough for a store to take their adoptions together, and no more than it can answer in time.
pub(super) const GRANTS_AT_ONCE: usize = 64;

/// Does `work` on every record. The outcomes come as they are ready.
pub(super) fn by_grant<T, F>(
    records: Vec<EscrowRecord>,
    work: impl Fn(EscrowRecord) -> F + Copy,
) -> impl Stream<Item = T>
where
    F: Future<Output = T>,
{
    stream::iter(grouped(records))
        .map(move |records| Box::pin(stream::iter(records).then(work)))
        .flatten_unordered(GRANTS_AT_ONCE)
}

/// The records of each grant. Grants come in the order of their first records.
fn grouped(records: Vec<EscrowRecord>) -> Vec<Vec<EscrowRecord>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<EscrowRecord>> = Vec::new();
    for record in records {
        let place = *places.entry(record.attempt.grant_id()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    groups
}
