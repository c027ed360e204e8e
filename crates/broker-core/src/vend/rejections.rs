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
pub(crate) struct Rejections(Mutex<Reports>);

#[derive(Default)]
struct Reports {
    rejected: HashMap<GrantId, Rejected>,
    /// Those that wait for a refresh now, whoever has begun it.
    waiting: HashMap<GrantId, (Generation, Weak<Waiting>)>,
}

#[derive(Debug, Clone, Copy)]
struct Rejected {
    generation: Generation,
    /// When a report last caused a refresh.
    at: Timestamp,
    in_a_row: u32,
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
        let mut reports = self.lock();
        if let Some(waiting) = reports.waited_for(grant, generation) {
            return Some(waiting);
        }
        let held = &mut reports.rejected;
        let before = held.get(&grant).copied();
        if before.is_some_and(|before| now < before.next_at()) {
            return None;
        }
        if held.len() >= MOST_REMEMBERED {
            held.retain(|_, rejected| !rejected.is_quiet(now));
        }
        let row = before.filter(|before| !before.is_quiet(now)).map_or(0, |before| before.in_a_row);
        held.insert(grant, Rejected { generation, at: now, in_a_row: row.saturating_add(1) });
        begin();
        Some(reports.wait_for(grant, generation))
    }

    /// The right to wait with the reports that wait for the refresh of this generation; `None` if none does.
    pub(super) fn waited_for(&self, grant: GrantId, generation: Generation) -> Option<Arc<Waiting>> {
        self.lock().waited_for(grant, generation)
    }

    /// The right to wait for a refresh that no report has caused.
    pub(super) fn wait_for(&self, grant: GrantId, generation: Generation) -> Arc<Waiting> {
        self.lock().wait_for(grant, generation)
    }

    /// Whether a refresh was begun because this generation was rejected.
    pub(super) fn has(&self, grant: GrantId, generation: Generation) -> bool {
        self.lock().rejected.get(&grant).is_some_and(|rejected| rejected.generation == generation)
    }

    fn lock(&self) -> MutexGuard<'_, Reports> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reports {
    fn waited_for(&self, grant: GrantId, generation: Generation) -> Option<Arc<Waiting>> {
        let (of, waiting) = self.waiting.get(&grant)?;
        waiting.upgrade().filter(|_| *of == generation)
    }

    fn wait_for(&mut self, grant: GrantId, generation: Generation) -> Arc<Waiting> {
        if let Some(waiting) = self.waited_for(grant, generation) {
            return waiting;
        }
        if self.waiting.len() >= MOST_REMEMBERED {
            self.waiting.retain(|_, (_, waiting)| waiting.strong_count() > 0);
        }
        let waiting = Arc::new(Waiting);
        self.waiting.insert(grant, (generation, Arc::downgrade(&waiting)));
        waiting
    }
}

impl Rejected {
    fn pause(self) -> Duration {
        let doublings = self.in_a_row.saturating_sub(1).min(12);
        (PAUSE * 2u32.pow(doublings)).min(LONGEST_PAUSE)
    }

    fn next_at(self) -> Timestamp {
        self.at + self.pause()
    }

    /// Quiet for as long as it had to pause: the row is over.
    fn is_quiet(self, now: Timestamp) -> bool {
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
    fn who_waits_for_a_refresh_of_others_is_waited_with_and_causes_no_pause() {
        let rejections = Rejections::default();
        let first = rejections.wait_for(GrantId::NIL, Generation::new(1));
        assert!(rejections.admit(GrantId::NIL, Generation::new(1), NOW, || panic!("one runs")).is_some());
        assert!(rejections.waited_for(GrantId::NIL, Generation::new(2)).is_none());
        drop(first);
        assert!(rejections.waited_for(GrantId::NIL, Generation::new(1)).is_none());
        assert!(admitted(&rejections, 0), "nothing was begun for a report");
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
