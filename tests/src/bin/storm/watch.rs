//! Watches how long grants stand in doubt while the storm goes on.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use provider_sim::Clock;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::evidence::{Reader, Restless};

/// How often it looks.
pub(crate) const EVERY: Duration = Duration::from_millis(200);

/// A grant that stood still in one presentation of one generation without coming to rest.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Doubt {
    pub(crate) grant: String,
    pub(crate) generation: u64,
    pub(crate) presentation_no: u64,
    /// The last phase it was seen in.
    pub(crate) phase: String,
    pub(crate) seconds: f64,
}

/// Each presentation in doubt, and since when.
///
/// Times are those of the machine less what it kept the watcher from looking: replicas get no further in that time either.
#[derive(Default)]
pub(crate) struct Doubts {
    running: HashMap<u128, (Restless, u64)>,
    longest: Option<Doubt>,
    looked: Option<u64>,
    stalled: u64,
}

impl Doubts {
    /// Takes a look at the store's grants.
    pub(crate) fn look(&mut self, restless: Vec<Restless>, at: u64) {
        let now = self.counted(at);
        let mut before = std::mem::take(&mut self.running);
        for seen in restless {
            let same = before.remove(&seen.grant).filter(|(last, _)| {
                (last.generation, last.presentation_no) == (seen.generation, seen.presentation_no)
            });
            let since = same.map_or(now, |(_, since)| since);
            self.note(&seen, since, now);
            self.running.insert(seen.grant, (seen, since));
        }
    }

    /// Twice as long as it should be between two looks is as usual.
    fn counted(&mut self, at: u64) -> u64 {
        let usual = 2 * EVERY.as_micros() as u64;
        let gap = self.looked.replace(at).map_or(0, |last| at.saturating_sub(last));
        self.stalled += gap.saturating_sub(usual);
        at - self.stalled
    }

    /// The time of the last look.
    fn now(&self) -> u64 {
        self.looked.unwrap_or(0) - self.stalled
    }

    /// Whether something stands in doubt that did so at this time already.
    pub(crate) fn any_since(&self, moment: u64) -> bool {
        self.running.values().any(|(_, since)| *since <= moment)
    }

    /// The longest one so far.
    pub(crate) const fn longest(&self) -> Option<&Doubt> {
        self.longest.as_ref()
    }

    fn note(&mut self, seen: &Restless, since: u64, now: u64) {
        let seconds = Duration::from_micros(now.saturating_sub(since)).as_secs_f64();
        if self.longest.as_ref().is_none_or(|longest| seconds > longest.seconds) {
            self.longest = Some(Doubt {
                grant: format!("{:032x}", seen.grant),
                generation: seen.generation,
                presentation_no: seen.presentation_no,
                phase: seen.phase.clone(),
                seconds,
            });
        }
    }
}

/// Looks again and again, until `stop`; then goes on until nothing is left that was in doubt at that time, but for no
/// longer than `patience`.
pub(crate) async fn watch(
    reader: &dyn Reader,
    clock: &Clock,
    stop: &CancellationToken,
    patience: Duration,
) -> Result<Doubts> {
    let mut doubts = Doubts::default();
    while !stop.is_cancelled() {
        doubts.look(reader.restless().await?, clock.micros());
        let _ = tokio::time::timeout(EVERY, stop.cancelled()).await;
    }
    doubts.look(reader.restless().await?, clock.micros());
    let stopped = doubts.now();
    loop {
        let late = doubts.now() > stopped + patience.as_micros() as u64;
        if late || !doubts.any_since(stopped) {
            return Ok(doubts);
        }
        tokio::time::sleep(EVERY).await;
        doubts.look(reader.restless().await?, clock.micros());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restless(grant: u128, generation: u64, presentation_no: u64) -> Restless {
        Restless { grant, generation, presentation_no, phase: "uncertain".to_owned() }
    }

    const EACH: u64 = EVERY.as_micros() as u64;

    #[test]
    fn time_in_which_the_machine_stood_still_is_not_counted() {
        let mut doubts = Doubts::default();
        for at in [0, EACH, 2 * EACH, 100 * EACH, 101 * EACH] {
            doubts.look(vec![restless(1, 1, 1)], at);
        }
        let seconds = Duration::from_micros(5 * EACH).as_secs_f64();
        assert_eq!(doubts.longest().unwrap().seconds, seconds, "two, two of the long one, and one");
    }

    #[test]
    fn a_doubt_lasts_until_rest_or_another_presentation() {
        let mut doubts = Doubts::default();
        for at in 0..15 {
            let first = restless(1, 1, if at < 10 { 1 } else { 2 });
            let second = restless(2, if at == 0 { 5 } else { 6 }, 1);
            doubts.look(if at < 12 { vec![first, second] } else { vec![first] }, at * EACH);
        }
        let longest = doubts.longest().unwrap();
        assert_eq!((longest.generation, longest.presentation_no), (6, 1));
        assert_eq!(longest.seconds, Duration::from_micros(10 * EACH).as_secs_f64());
        assert!(doubts.any_since(10 * EACH) && !doubts.any_since(10 * EACH - 1));
    }
}
