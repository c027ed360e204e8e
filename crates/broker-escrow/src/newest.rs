//! Which record of a grant is its newest, and how much of each segment such records make up.

use std::collections::HashMap;
use std::time::Duration;

use broker_core::ports::EscrowRecord;
use broker_core::{Attempt, AttemptId, GrantId, Timestamp};

use crate::record::View;

/// What of a record decides whether it stays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) grant: GrantId,
    pub(crate) attempt: AttemptId,
    pub(crate) received_at: Timestamp,
    /// A success may hold tokens. A refusal holds none and never takes a success's place.
    success: bool,
    /// Bytes of the record.
    pub(crate) length: u64,
}

impl Head {
    pub(crate) fn of_view(view: &View<'_>, length: usize) -> Self {
        Self::new(&view.attempt, view.status, view.received_at, length)
    }

    pub(crate) fn of_record(record: &EscrowRecord, length: usize) -> Self {
        Self::new(&record.attempt, record.status, record.received_at, length)
    }

    fn new(attempt: &Attempt, status: u16, received_at: Timestamp, length: usize) -> Self {
        let success = (200..300).contains(&status);
        let (grant, attempt, length) = (attempt.grant_id(), attempt.id, length as u64);
        Self { grant, attempt, received_at, success, length }
    }

    fn rank(&self) -> (bool, Timestamp) {
        (self.success, self.received_at)
    }
}

/// What of a segment are newest records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// The newest record of each grant and the segment it stands in.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    grants: HashMap<GrantId, (u64, Head)>,
    live: HashMap<u64, Live>,
}

impl Newest {
    /// A record was written to `segment`.
    pub(crate) fn note(&mut self, segment: u64, head: Head) {
        if self.outranks(&head) {
            return;
        }
        self.release(head.grant);
        let live = self.live.entry(segment).or_default();
        live.records += 1;
        live.bytes += head.length;
        self.grants.insert(head.grant, (segment, head));
    }

    /// Whether a newer record of the same grant is known.
    pub(crate) fn outranks(&self, head: &Head) -> bool {
        self.grants.get(&head.grant).is_some_and(|(_, known)| known.rank() > head.rank())
    }

    /// Whether the record in `segment` is the newest of its grant.
    pub(crate) fn is(&self, segment: u64, head: &Head) -> bool {
        self.grants.get(&head.grant).is_some_and(|(place, known)| {
            *place == segment && known.attempt == head.attempt && known.rank() == head.rank()
        })
    }

    pub(crate) fn live(&self, segment: u64) -> Live {
        self.live.get(&segment).copied().unwrap_or_default()
    }

    /// Nothing in `segment` counts any more.
    pub(crate) fn forget(&mut self, segment: u64) {
        if self.live(segment).records > 0 {
            self.grants.retain(|_, (place, _)| *place != segment);
        }
        self.live.remove(&segment);
    }

    /// No record counts that was received more than `keep` before `now`.
    pub(crate) fn forget_older(&mut self, segment: u64, now: Timestamp, keep: Duration) {
        let old: Vec<_> = self
            .grants
            .iter()
            .filter(|(_, (place, head))| *place == segment && now.since(head.received_at) > keep)
            .map(|(grant, _)| *grant)
            .collect();
        old.into_iter().for_each(|grant| self.release(grant));
    }

    fn release(&mut self, grant: GrantId) {
        let Some((segment, head)) = self.grants.remove(&grant) else { return };
        if let Some(live) = self.live.get_mut(&segment) {
            live.records -= 1;
            live.bytes -= head.length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, record};

    fn head(grant: u8, attempt: u8, status: u16, seconds: i64) -> Head {
        let mut attempted = record(attempt);
        attempted.attempt.key = record(grant).attempt.key;
        Head::of_record(&EscrowRecord { status, received_at: at(seconds), ..attempted }, 10)
    }

    #[test]
    fn the_last_received_is_the_newest_and_the_share_follows_it() {
        let mut newest = Newest::default();
        let (first, second) = (head(1, 1, 200, 5), head(1, 2, 200, 5));
        newest.note(7, first);
        newest.note(8, second);
        newest.note(8, head(1, 3, 200, 4));
        assert!(newest.is(8, &second) && !newest.is(7, &first));
        assert_eq!((newest.live(7).bytes, newest.live(8).bytes), (0, 10));
    }

    #[test]
    fn a_refusal_never_takes_a_successs_place() {
        let mut newest = Newest::default();
        let success = head(1, 1, 200, 5);
        newest.note(7, head(1, 0, 503, 4));
        newest.note(7, success);
        newest.note(7, head(1, 2, 400, 9));
        assert!(newest.is(7, &success));
    }

    #[test]
    fn what_is_forgotten_counts_no_more() {
        let mut newest = Newest::default();
        newest.note(7, head(1, 1, 200, 5));
        newest.note(7, head(2, 2, 200, 100));
        newest.note(8, head(3, 3, 200, 5));
        newest.forget_older(7, at(100), Duration::from_secs(50));
        assert_eq!(newest.live(7).records, 1);
        newest.forget(7);
        assert_eq!((newest.live(7).records, newest.live(8).records), (0, 1));
        assert!(!newest.outranks(&head(2, 0, 200, 0)));
    }
}
