//! Which tokens providers were said to reject, and how often that may cause a refresh: in memory, a pure decision each.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
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

#[derive(Debug, Clone, Copy)]
struct Rejected {
    generation: Generation,
    /// When a report last caused a refresh.
    at: Timestamp,
    in_a_row: u32,
}

impl Rejections {
    /// Notes that this generation is rejected, and whether it may be refreshed for that now: then `begin` is called, before
    /// anybody else is told that it may not.
    pub(super) fn admit(
        &self,
        grant: GrantId,
        generation: Generation,
        now: Timestamp,
        begin: impl FnOnce(),
    ) -> bool {
        let mut held = self.lock();
        let before = held.get(&grant).copied();
        if before.is_some_and(|before| now < before.next_at()) {
            return false;
        }
        if held.len() >= MOST_REMEMBERED {
            held.retain(|_, rejected| !rejected.is_quiet(now));
        }
        let row = before.filter(|before| !before.is_quiet(now)).map_or(0, |before| before.in_a_row);
        held.insert(grant, Rejected { generation, at: now, in_a_row: row.saturating_add(1) });
        begin();
        true
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
        rejections.admit(GrantId::NIL, Generation::new(1), NOW + Duration::from_secs(seconds), || {})
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
