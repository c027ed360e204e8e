//! Which rotation starts next: one line per provider, and the slots shared out among them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fair_queue::FairQueue;
use super::gate::Gate;
use super::gates::Gates;
use super::retry_budget::RetryBudget;
use super::share::Share;
use super::slots::{Claim, share_out};
use super::status::ProviderStatus;
use super::work::Work;
use crate::{ProviderName, Timestamp};

/// A budget that gave less than was wanted is asked again after this part of a tick.
const ASK_AGAIN: u32 = 20;

/// What is due, what is in flight, and what may start.
#[derive(Debug)]
pub(crate) struct Planner {
    /// In flight at once, at all providers.
    most: usize,
    tick: Duration,
    lines: BTreeMap<ProviderName, Line>,
}

/// One provider's.
#[derive(Debug)]
struct Line {
    first_tries: FairQueue,
    retries: FairQueue,
    retry_budget: RetryBudget,
    share: Share,
    /// The provider's budget is spent; it is asked again then.
    short_until: Option<Timestamp>,
    /// Since the last reading.
    started: usize,
}

impl Planner {
    pub(crate) fn new(most: usize, tick: Duration) -> Self {
        Self { most, tick, lines: BTreeMap::new() }
    }

    /// What is due now and soon, instead of what was known before. Whose turn it is stays.
    pub(crate) fn refill(&mut self, works: Vec<Work>, now: Timestamp) {
        for line in self.lines.values_mut() {
            line.first_tries.clear();
            line.retries.clear();
        }
        for work in works {
            let line = self.lines.entry(work.due.key.provider.clone()).or_insert_with(Line::new);
            line.queue(work.retry).push(work, now);
        }
        for line in self.lines.values_mut() {
            line.share.seen(line.due_by(now + self.tick), self.tick, now);
            line.started = 0;
        }
    }

    /// How many rotations could start now at which provider, as slots and gates allow. The provider's budget has not
    /// been asked.
    pub(crate) fn wanted(&mut self, gates: &Gates, now: Timestamp) -> Vec<(ProviderName, u32)> {
        let mut claims: Vec<Claim<'_>> = Vec::new();
        for (provider, line) in &mut self.lines {
            line.ripen(now);
            let want = line.wants(self.most, now);
            let allowed = match gates.gate(provider, now) {
                Gate::ClosedUntil(_) => 0,
                Gate::Open if gates.on_trial(provider) => want.min(1),
                Gate::Open => want,
            };
            claims.push(Claim {
                provider,
                held: line.share.in_flight(),
                want: allowed,
                given: 0,
                busy: line.share.is_busy(),
            });
        }
        share_out(&mut claims, self.most);
        let given = claims.into_iter().filter(|claim| claim.given > 0);
        given.map(|claim| (claim.provider.clone(), u32::try_from(claim.given).unwrap_or(u32::MAX))).collect()
    }

    /// The provider's budget gave less than was wanted.
    pub(crate) fn short(&mut self, provider: &ProviderName, now: Timestamp) {
        if let Some(line) = self.lines.get_mut(provider) {
            line.short_until = Some(now + self.tick / ASK_AGAIN);
        }
    }

    /// The work whose turn it is at this provider. It counts as in flight until it has [`Planner::landed`].
    pub(crate) fn start(&mut self, provider: &ProviderName, now: Timestamp) -> Option<Work> {
        let line = self.lines.get_mut(provider)?;
        let work = line.pop(now)?;
        line.share.started();
        line.started += 1;
        Some(work)
    }

    /// A rotation that was started has ended; `answered` if the provider had a say in it.
    pub(crate) fn landed(&mut self, provider: &ProviderName, took: Duration, answered: bool, now: Timestamp) {
        if let Some(line) = self.lines.get_mut(provider) {
            line.share.landed(took, answered, now);
        }
    }

    /// When something may start that may not start now, as far as that is known.
    pub(crate) fn next_start(&self, now: Timestamp) -> Option<Timestamp> {
        let times = self
            .lines
            .values()
            .flat_map(|line| [line.first_tries.next_start(), line.retries.next_start(), line.short_until]);
        times.flatten().filter(|at| *at > now).min()
    }

    /// A provider has room for more than was read. Only where something has started since: a store that has no more
    /// is not asked again before the next tick.
    pub(crate) fn hungers(&self, gates: &Gates, now: Timestamp) -> bool {
        self.lines.iter().any(|(provider, line)| {
            line.started > 0 && line.is_dry(self.most, now) && gates.gate(provider, now) == Gate::Open
        })
    }

    pub(super) fn status(&self, gates: &Gates, now: Timestamp) -> Vec<ProviderStatus> {
        let status = |(provider, line): (&ProviderName, &Line)| ProviderStatus {
            provider: provider.clone(),
            gate: gates.gate(provider, now),
            in_flight: line.share.in_flight(),
            in_flight_cap: line.share.cap(now, self.most),
            waiting: line.waiting(),
            budget_short_until: line.short_until.filter(|until| *until > now),
        };
        self.lines.iter().map(status).collect()
    }
}

impl Line {
    fn new() -> Self {
        Self {
            first_tries: FairQueue::default(),
            retries: FairQueue::default(),
            retry_budget: RetryBudget::new(),
            share: Share::new(),
            short_until: None,
            started: 0,
        }
    }

    fn queue(&mut self, retry: bool) -> &mut FairQueue {
        if retry { &mut self.retries } else { &mut self.first_tries }
    }

    fn ripen(&mut self, now: Timestamp) {
        self.first_tries.ripen(now);
        self.retries.ripen(now);
    }

    fn waiting(&self) -> usize {
        self.first_tries.len() + self.retries.len()
    }

    fn due_by(&self, until: Timestamp) -> usize {
        self.first_tries.due_by(until) + self.retries.due_by(until)
    }

    fn is_dry(&self, most: usize, now: Timestamp) -> bool {
        let short = self.short_until.is_some_and(|until| until > now);
        let room = self.share.cap(now, most) > self.share.in_flight();
        room && !short && self.first_tries.ready() == 0
    }

    fn wants(&self, most: usize, now: Timestamp) -> usize {
        if self.short_until.is_some_and(|until| until > now) {
            return 0;
        }
        let room = self.share.cap(now, most).saturating_sub(self.share.in_flight());
        room.min(self.first_tries.ready() + usize::from(self.may_retry(now)))
    }

    fn may_retry(&self, now: Timestamp) -> bool {
        self.retries.ready() > 0 && self.retry_budget.allows_retry(now)
    }

    /// A retry when one is paid for: they are few enough never to crowd out first tries.
    fn pop(&mut self, now: Timestamp) -> Option<Work> {
        if self.may_retry(now) {
            self.retry_budget.retry(now);
            return self.retries.pop();
        }
        let work = self.first_tries.pop()?;
        self.retry_budget.first_try();
        Some(work)
    }
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
