//! Simulated time waits for the broker, and the broker for simulated time.

use std::time::Duration;

use broker_proto::v1::{EventType, Grant, GrantPhase, GrantState};

use super::life::Life;
use super::{NOTICES, seconds};

/// How long the broker is given to do what is due, before time goes on a little.
const PATIENCE: Duration = Duration::from_millis(10);

/// A loop of the broker that was just reading the clock sleeps until its next tick: time creeps on for it...
const CREEP: Duration = Duration::from_millis(150);

/// ...and nearly stands still for an attempt, which must not outlast its budget because the machine is busy...
const CRAWL: Duration = Duration::from_millis(1);

/// ...and leaps where nothing happens for long: a clock that was put back has loops wait for a time far ahead.
const LEAP: Duration = Duration::from_secs(10);
const CREEPS: usize = 40;

const MOST_LOOKS: usize = 6000;

impl Life {
    /// When notices are due, in seconds.
    pub(super) fn notice_times(&self) -> impl Iterator<Item = i64> {
        let end = self.window.map(|window| self.consented + seconds(window));
        end.into_iter().flat_map(|end| NOTICES.map(|hours| end - hours * 3600))
    }

    /// Waits until nothing is due, nothing is under way, and all of it was told.
    pub(super) async fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..MOST_LOOKS {
            let grant = self.grant().await;
            if self.is_settled(&grant) {
                return;
            }
            let under_way = is_under_way(&grant);
            quiet = if self.told.hears_within(PATIENCE).await || under_way { 0 } else { quiet + 1 };
            self.house.clock.advance(match quiet {
                _ if under_way => CRAWL,
                0..=CREEPS => CREEP,
                _ => LEAP,
            });
        }
        panic!("what is due is never done: {:?}, told of {:?}", self.grant().await, self.told.turns());
    }

    fn is_settled(&self, grant: &Grant) -> bool {
        let now = self.house.clock.seconds();
        let active = grant.state() == GrantState::Active;
        let due = active && grant.next_refresh_time.is_none_or(|due| due.seconds < now);
        let untold = grant.generation > self.told.generation()
            || active && self.notice_times().filter(|at| *at < now).count() > self.notices().len()
            || !active && !self.is_told_dead();
        !due && !is_under_way(grant) && !untold
    }

    fn is_told_dead(&self) -> bool {
        let deaths = [EventType::GrantExpired, EventType::GrantNeedsConsent];
        deaths.into_iter().any(|death| self.told.since(self.consented, death).next().is_some())
    }
}

fn is_under_way(grant: &Grant) -> bool {
    matches!(grant.phase(), GrantPhase::Claimed | GrantPhase::Sent)
}
