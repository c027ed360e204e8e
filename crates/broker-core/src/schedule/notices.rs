//! When it is told that a grant will die of the end of its authorization: pure decisions.

use std::time::Duration;

use crate::Timestamp;

/// A window shorter than this many times the first notice has its notices at the same parts of it.
const SHORT: u32 = 3;

/// What is known of a grant whose authorization ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// When the user consented.
    pub consented_at: Timestamp,
    /// When the authorization ends.
    pub ends_at: Timestamp,
    /// How long before the end the last notice of this lineage was due, as it is configured.
    pub noticed: Option<Duration>,
}

/// What is to be done about notices now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeStep {
    /// The notice to give, by how long before the end it is due as configured. Ones that were missed before it are
    /// superseded by it.
    pub give: Option<Duration>,
    /// When to look again; `None` if no notice is left.
    pub next: Option<Timestamp>,
}

/// Decides which notice is due at `now`. `notices` are how long before the end they are due, the first one first.
pub fn notice_step(notices: &[Duration], of: Ending, now: Timestamp) -> NoticeStep {
    if now >= of.ends_at {
        return NoticeStep { give: None, next: None };
    }
    let left = notices.iter().filter(|before| of.noticed.is_none_or(|noticed| **before < noticed));
    let (due, later): (Vec<Duration>, Vec<Duration>) =
        left.partition(|before| notice_at(notices, of, **before) <= now);
    NoticeStep {
        give: due.into_iter().min(),
        next: later.into_iter().map(|before| notice_at(notices, of, before)).min(),
    }
}

/// When the first notice of a lineage is due; `None` if there is none, or the end has come.
pub fn first_notice(
    notices: &[Duration],
    consented_at: Timestamp,
    ends_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let ending = Ending { consented_at, ends_at: ends_at.filter(|end| *end > now)?, noticed: None };
    notices.iter().max().map(|first| notice_at(notices, ending, *first))
}

/// When the notice that is configured for `before` the end is due, in proportion where the window is short.
fn notice_at(notices: &[Duration], of: Ending, before: Duration) -> Timestamp {
    let window = of.ends_at.since(of.consented_at);
    let long = notices.iter().max().copied().unwrap_or_default().saturating_mul(SHORT);
    let scaled = match window < long {
        true => before.mul_f64(window.as_secs_f64() / long.as_secs_f64()),
        false => before,
    };
    of.ends_at - scaled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const NOTICES: [Duration; 3] = [HOUR.saturating_mul(48), HOUR.saturating_mul(24), HOUR.saturating_mul(4)];
    const CONSENTED: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn week(noticed: Option<u32>) -> Ending {
        let noticed = noticed.map(|hours| HOUR * hours);
        Ending { consented_at: CONSENTED, ends_at: CONSENTED + HOUR * 168, noticed }
    }

    fn step(of: Ending, hours_before: u32) -> (Option<u64>, Option<u64>) {
        let step = notice_step(&NOTICES, of, of.ends_at - HOUR * hours_before);
        let next = step.next.map(|at| of.ends_at.since(at).as_secs() / 3600);
        (step.give.map(|before| before.as_secs() / 3600), next)
    }

    #[test]
    fn each_notice_comes_in_its_time_and_a_later_one_supersedes_those_that_were_missed() {
        assert_eq!(step(week(None), 49), (None, Some(48)));
        assert_eq!(step(week(None), 48), (Some(48), Some(24)));
        assert_eq!(step(week(Some(48)), 47), (None, Some(24)));
        assert_eq!(step(week(None), 20), (Some(24), Some(4)), "one, not two");
        assert_eq!(step(week(None), 1), (Some(4), None));
        assert_eq!(step(week(Some(4)), 1), (None, None));
        assert_eq!(step(week(None), 0), (None, None), "what has ended is not announced");
    }

    #[test]
    fn a_short_window_has_its_notices_in_proportion() {
        let ends_at = CONSENTED + HOUR * 36;
        let first = first_notice(&NOTICES, CONSENTED, Some(ends_at), CONSENTED);
        assert_eq!(first, Some(ends_at - HOUR * 12));
        assert_eq!(first_notice(&NOTICES, CONSENTED, Some(ends_at), ends_at), None);
        assert_eq!(first_notice(&[], CONSENTED, Some(ends_at), CONSENTED), None);
        assert_eq!(first_notice(&NOTICES, CONSENTED, None, CONSENTED), None);
    }

    proptest! {
        /// Whenever it is looked at, and however clocks step meanwhile.
        #[test]
        fn no_notice_comes_twice(looks in proptest::collection::vec(0u64..200 * 3600, 1..60)) {
            let (mut of, mut given) = (week(None), vec![]);
            for seconds in looks {
                let step = notice_step(&NOTICES, of, CONSENTED + Duration::from_secs(seconds));
                given.extend(step.give);
                of.noticed = step.give.or(of.noticed);
            }
            prop_assert!(given.is_sorted_by(|earlier, later| earlier > later), "{given:?}");
        }
    }
}
