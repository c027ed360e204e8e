//! Putting records of the inbox at the ends of their chains: a plan of one step of the store.

use std::collections::BTreeMap;

use super::chain::{CHECKPOINT_EVERY, ChainKey, GENESIS, INSTALLATION, MarkKind};
use super::seen::SeenHeads;
use super::{Actor, AuditAction, KeptRecord};
use crate::ports::{ChainEnd, InboxRecord, Sealing};
use crate::{TenantId, Timestamp};

/// What a plan is made with.
pub(super) struct Planning<'a> {
    pub(super) key: &'a ChainKey,
    pub(super) seen: &'a SeenHeads,
    pub(super) now: Timestamp,
}

/// Records by chain. That of the installation is always among them.
pub(super) fn by_chain(inbox: Vec<InboxRecord>) -> (Vec<i64>, BTreeMap<String, Vec<KeptRecord>>) {
    let ids = inbox.iter().map(|record| record.id).collect();
    let mut chains = BTreeMap::from([(INSTALLATION.to_owned(), Vec::new())]);
    for InboxRecord { chain, record, .. } in inbox {
        chains.entry(chain).or_default().push(record);
    }
    (ids, chains)
}

/// Whether nothing of a chain is there.
pub(super) fn is_empty(end: &ChainEnd) -> bool {
    end.head.is_none() && end.last.is_none()
}

impl Planning<'_> {
    /// The first record of the first chain.
    pub(super) fn genesis(&self) -> Sealing {
        let mut sealing = Sealing::default();
        let end = ChainEnd { chain: INSTALLATION.to_owned(), head: None, last: None };
        self.append(&mut sealing, end, (1, GENESIS.to_vec()), vec![self.beginning(INSTALLATION)]);
        sealing
    }

    /// That a chain begins, to be noted in that of the installation.
    pub(super) fn beginning(&self, chain: &str) -> KeptRecord {
        let tenant = TenantId::new(chain).ok();
        KeptRecord::from(&Actor::broker(AuditAction::BEGIN_CHAIN).did(tenant.as_ref(), self.now))
    }

    /// The next place of a chain and the hash before it. `new`: nothing says that it was begun before.
    ///
    /// A chain whose end is not as it was left goes on after a gap: what was done to it stays to be seen.
    pub(super) fn next(&self, end: &ChainEnd, new: bool) -> (u64, Vec<u8>) {
        match (&end.head, end.last) {
            (Some(head), Some(last)) if head.sequence == last && self.holds(head) => {
                (last + 1, head.hash.clone())
            }
            (None, None) if new && self.seen.sequence(&end.chain) == 0 => (1, GENESIS.to_vec()),
            (_, last) => {
                self.seen.shout(&end.chain, last);
                let last = last.unwrap_or(0).max(self.seen.sequence(&end.chain));
                (last.saturating_add(2), GENESIS.to_vec())
            }
        }
    }

    fn holds(&self, head: &super::ChainMark) -> bool {
        self.key.made(MarkKind::Head, head) && self.seen.allow(head)
    }

    /// Adds records to a chain.
    pub(super) fn append(
        &self,
        sealing: &mut Sealing,
        end: ChainEnd,
        (mut sequence, mut previous): (u64, Vec<u8>),
        records: Vec<KeptRecord>,
    ) {
        for record in records {
            let chained = self.key.chained(&end.chain, sequence, &previous, record);
            if sequence.is_multiple_of(CHECKPOINT_EVERY) {
                sealing.checkpoints.push(self.key.mark(MarkKind::Checkpoint, &chained));
            }
            (sequence, previous) = (sequence.saturating_add(1), chained.hash.clone());
            sealing.records.push(chained);
        }
        if let Some(last) = sealing.records.last().filter(|last| last.chain == end.chain) {
            sealing.heads.push((end.head, self.key.mark(MarkKind::Head, last)));
        }
    }
}
