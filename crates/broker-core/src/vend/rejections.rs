//! Which tokens providers were said to reject, and how often that may cause a refresh: in memory, a pure decision each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::{Generation, GrantId, Timestamp};

/// After a refresh that a report has caused, the next one may cause none for so long; twice as long after each further.
const PAUSE: Duration = Duration::from_secs(30);

/// Never longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Grants that are remembered at once. Beyond it those are forgotten that have been quiet.
const MOST_REMEMBERED: usize = 10_000;

/// The reports of this process. Others keep their own: what all share is how old a token must be.
#[derive(Default)]
pub(crate) struct Rejections(Mutex<HashMap<GrantId, Rejected>>);

#[derive(Debug, Clone)]
struct Rejected {
    generation: Generation,
    /// When a report last caused a refresh.
    at: Timestamp,
    in_a_row: u32,
    waiting: Weak<Waiting>,
}

/// Held by each report that waits for the refresh of its generation, whichever replica carries it out.
#[derive(Debug)]
pub(super) struct Waiting;

impl Rejections {
    /// The right to wait for the refresh of a rejected generation: of the one that reports still wait for, or of a new one
    /// if that may be begun now. Then `begin` is called, before anybody else is told that it may not. `None`: too soon.
    pub(super) fn admit(
        &self,
        grant: GrantId,
        generation: Generation,
        now: Timestamp,
        begin: impl FnOnce(),
    ) -> Option<Arc<Waiting>> {
        let mut held = self.lock();
        let before = held.get(&grant).cloned();
        if let Some(waiting) = before.as_ref().and_then(|before| before.waited_for(generation)) {
            return Some(waiting);
        }
        if before.as_ref().is_some_and(|before| now < before.next_at()) {
            return None;
        }
        if held.len() >= MOST_REMEMBERED {
            held.retain(|_, rejected| !rejected.is_quiet(now));
        }
        let row = before.filter(|before| !before.is_quiet(now)).map_or(0, |before| before.in_a_row);
        let waiting = Arc::new(Waiting);
        let rejected = Rejected {
            generation,
            at: now,
            in_a_row: row.saturating_add(1),
            waiting: Arc::downgrade(&waiting),
        };
        held.insert(grant, rejected);
        begin();
        Some(waiting)
    }

    /// The right to wait with those reports that wait for the refresh of this generation.
    pub(super) fn waiting_for(&self, grant: GrantId, generation: Generation) -> Option<Arc<Waiting>> {
        self.lock().get(&grant).and_then(|rejected| rejected.waited_for(generation))
    }

    /// Whether a refresh was begun because this generation was rejected.
    pub(super) fn has(&self, grant: GrantId, generation: Generation) -> bool {
        self.lock().get(&grant).is_some_and(|rejected| rejected.generation == generation)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GrantId, Rejected>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rejected {
    fn waited_for(&self, generation: Generation) -> Option<Arc<Waiting>> {
        self.waiting.upgrade().filter(|_| self.generation == generation)
    }

    fn pause(&self) -> Duration {
        let doublings = self.in_a_row.saturating_sub(1).min(12);
        (PAUSE * 2u32.pow(doublings)).min(LONGEST_PAUSE)
    }

    fn next_at(&self) -> Timestamp {
        self.at + self.pause()
    }

    /// Quiet for as long as it had to pause: the row is over.
    fn is_quiet(&self, now: Timestamp) -> bool {
        now >= self.next_at() + self.pause()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn admitted(rejections: &Rejections, seconds: u64) -> bool {
        rejections
            .admit(GrantId::NIL, Generation::new(1), NOW + Duration::from_secs(seconds), || {})
            .is_some()
    }

    #[test]
    fn who_reports_while_others_wait_waits_with_them() {
        let (rejections, mut begun) = (Rejections::default(), 0);
        let mut admit =
            |generation| rejections.admit(GrantId::NIL, Generation::new(generation), NOW, || begun += 1);
        let first = admit(1).unwrap();
        let second = admit(1).unwrap();
        drop(first);
        let third = admit(1).expect("the second still waits");
        assert!(admit(2).is_none(), "the next generation is another matter");
        drop((second, third));
        assert!(admit(1).is_none(), "nobody waits, and it was refreshed just now");
        assert_eq!(begun, 1);
    }

    #[test]
    fn each_report_in_a_row_waits_twice_as_long_up_to_an_hour() {
        let rejections = Rejections::default();
        let mut at = 0;
        for pause in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            assert!(admitted(&rejections, at), "{pause}");
            assert!(!admitted(&rejections, at + pause - 1), "{pause}");
            at += pause;
        }
    }

    #[test]
    fn quiet_ends_the_row() {
        let rejections = Rejections::default();
        assert!(admitted(&rejections, 0) && admitted(&rejections, 30));
        assert!(admitted(&rejections, 30 + 120), "quiet for twice its pause");
        assert!(admitted(&rejections, 30 + 120 + 30), "the first pause again");
    }

    #[test]
    fn only_the_rejected_generation_is_known_as_such() {
        let rejections = Rejections::default();
        assert!(!rejections.has(GrantId::NIL, Generation::new(1)));
        assert!(admitted(&rejections, 0));
        assert!(rejections.has(GrantId::NIL, Generation::new(1)));
        assert!(!rejections.has(GrantId::NIL, Generation::new(2)));
    }
}
