//! Tenant fairness within a provider, and the earliest deadline first within a tenant.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::work::Work;
use crate::{TenantId, Timestamp};

/// Work of one provider. Tenants take turns whatever they have waiting; what one tenant has goes by its deadline.
///
/// Turns are counted as start tags (start-time fair queueing): a tenant that had nothing to do neither saves up turns
/// nor owes any.
#[derive(Debug, Default)]
pub(super) struct FairQueue {
    /// Read ahead and not due yet.
    later: BTreeMap<(Timestamp, u64), Work>,
    ready: HashMap<TenantId, BinaryHeap<Reverse<Urgent>>>,
    /// The turn each tenant has next, where it is not the present one.
    turns: HashMap<TenantId, u64>,
    turn: u64,
    /// Tells works of one time apart, in the order they came.
    count: u64,
}

impl FairQueue {
    pub(super) fn push(&mut self, work: Work, now: Timestamp) {
        self.count += 1;
        match work.start_at <= now {
            true => self.make_ready(self.count, work),
            false => {
                self.later.insert((work.start_at, self.count), work);
            }
        }
    }

    /// Takes what has come due out of the waiting.
    pub(super) fn ripen(&mut self, now: Timestamp) {
        while let Some(first) = self.later.first_entry() {
            let (start_at, order) = *first.key();
            if start_at > now {
                return;
            }
            let work = first.remove();
            self.make_ready(order, work);
        }
    }

    /// The tenant's work whose turn it is.
    pub(super) fn pop(&mut self) -> Option<Work> {
        let tenant = self.next_tenant()?;
        let heap = self.ready.get_mut(&tenant)?;
        let Reverse(urgent) = heap.pop()?;
        if heap.is_empty() {
            self.ready.remove(&tenant);
        }
        self.turn = self.turn_of(&tenant);
        self.turns.insert(tenant, self.turn + 1);
        Some(urgent.work)
    }

    pub(super) fn ready(&self) -> usize {
        self.ready.values().map(BinaryHeap::len).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.ready() + self.later.len()
    }

    /// Ready, or so by then.
    pub(super) fn due_by(&self, until: Timestamp) -> usize {
        self.ready() + self.later.range(..=(until, u64::MAX)).count()
    }

    /// When the next work that is not due yet will be.
    pub(super) fn next_start(&self) -> Option<Timestamp> {
        self.later.first_key_value().map(|((start_at, _), _)| *start_at)
    }

    /// Forgets the works, and keeps whose turn it is.
    pub(super) fn clear(&mut self) {
        self.later.clear();
        self.ready.clear();
        let turn = self.turn;
        self.turns.retain(|_, next| *next > turn);
    }

    fn make_ready(&mut self, order: u64, work: Work) {
        let heap = self.ready.entry(work.due.key.tenant.clone()).or_default();
        heap.push(Reverse(Urgent { deadline: work.deadline, order, work }));
    }

    fn next_tenant(&self) -> Option<TenantId> {
        let urgency = |heap: &BinaryHeap<Reverse<Urgent>>| heap.peek().map(|Reverse(first)| first.deadline);
        let next =
            self.ready.iter().min_by_key(|(tenant, heap)| (self.turn_of(tenant), urgency(heap), *tenant));
        next.map(|(tenant, _)| tenant.clone())
    }

    fn turn_of(&self, tenant: &TenantId) -> u64 {
        self.turns.get(tenant).copied().unwrap_or(0).max(self.turn)
    }
}

/// Ordered by deadline, then by coming.
#[derive(Debug)]
struct Urgent {
    deadline: Timestamp,
    order: u64,
    work: Work,
}

impl PartialEq for Urgent {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Urgent {}

impl PartialOrd for Urgent {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Urgent {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.deadline, self.order).cmp(&(other.deadline, other.order))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{at, work};
    use super::*;

    fn filled(works: &[(u8, i64)]) -> FairQueue {
        let mut queue = FairQueue::default();
        for (tenant, deadline) in works {
            queue.push(work(&format!("t{tenant}"), "p", at(0), at(*deadline)), at(0));
        }
        queue
    }

    proptest! {
        #[test]
        fn no_tenant_passes_over_another_more_than_twice(
            works in proptest::collection::vec((0u8..6, 0i64..1000), 1..120)
        ) {
            let mut queue = filled(&works);
            let mut left = [0; 6];
            works.iter().for_each(|(tenant, _)| left[usize::from(*tenant)] += 1);
            let mut passed = [[0; 6]; 6];
            while let Some(work) = queue.pop() {
                let tenant: usize = work.due.key.tenant.as_str()[1..].parse().unwrap();
                left[tenant] -= 1;
                passed[tenant] = [0; 6];
                for waiting in (0..6).filter(|other| *other != tenant && left[*other] > 0) {
                    passed[waiting][tenant] += 1;
                    prop_assert!(passed[waiting][tenant] <= 2, "t{tenant} passed over t{waiting}");
                }
            }
            prop_assert_eq!(left, [0; 6]);
        }

        #[test]
        fn a_tenants_work_goes_by_its_deadline(deadlines in proptest::collection::vec(0i64..1000, 1..60)) {
            let mut queue = filled(&deadlines.iter().map(|deadline| (0, *deadline)).collect::<Vec<_>>());
            let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|work| work.deadline).collect();
            prop_assert!(order.is_sorted());
            prop_assert_eq!(order.len(), deadlines.len());
        }
    }

    #[test]
    fn a_tenant_that_was_idle_saves_up_no_turns() {
        let mut queue = filled(&[(0, 1), (0, 2), (0, 3), (0, 4)]);
        queue.pop();
        queue.pop();
        for deadline in [50, 51, 52] {
            queue.push(work("t1", "p", at(0), at(deadline)), at(0));
        }
        let tenants: Vec<_> =
            std::iter::from_fn(|| queue.pop()).map(|work| work.due.key.tenant.to_string()).collect();
        assert_eq!(tenants, ["t1", "t0", "t1", "t0", "t1"]);
    }

    #[test]
    fn what_was_read_ahead_is_ready_when_it_is_due() {
        let mut queue = FairQueue::default();
        queue.push(work("t", "p", at(5), at(9)), at(0));
        assert_eq!((queue.ready(), queue.len(), queue.next_start()), (0, 1, Some(at(5))));
        queue.ripen(at(4));
        assert_eq!(queue.pop(), None);
        queue.ripen(at(5));
        assert!(queue.pop().is_some());
    }
}
