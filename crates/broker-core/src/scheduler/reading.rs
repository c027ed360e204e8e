//! Reading what is due, in pages.

use std::collections::HashSet;
use std::time::Duration;

use super::gate::Gate;
use super::learnt::Learnt;
use super::work::Work;
use crate::error::chain;
use crate::ports::{DueGrant, DueQuery};
use crate::schedule::{DueRules, Look, look_at};
use crate::{Broker, BrokerError, Timestamp};

/// Grants are read when they are due within so many ticks, and started when they are due.
const TICKS_AHEAD: u32 = 2;

/// How many times what can be in flight one page holds.
const SLOTS_PER_PAGE: usize = 4;

/// Of one tenant at one provider, where there is more due than a page; fewer where there are too many of those.
const PER_LANE: [u32; 3] = [64, 8, 1];

/// The most a page by lanes holds.
const LANES_PAGE: u32 = 4096;

/// How long a grant rests whose provider is not configured.
const UNKNOWN_PROVIDER_WAIT: Duration = Duration::from_secs(3600);

/// What one look at the store found.
pub(super) struct Page {
    pub(super) works: Vec<Work>,
    /// There may be more.
    pub(super) full: bool,
}

impl Broker {
    /// Reads the grants that are due.
    pub(super) async fn read_due(&self, learnt: &Learnt) -> Result<Page, BrokerError> {
        let now = self.clock.now();
        // A flight that takes long has its slot already; its grant may have come due again meanwhile.
        let slots = self.timing.max_in_flight * SLOTS_PER_PAGE + self.flights.count();
        let limit = u32::try_from(slots).unwrap_or(u32::MAX);
        let query = DueQuery { due_by: now + TICKS_AHEAD * self.timing.tick, limit, per_lane: None };
        let mut due = self.grants.due_grants(&query).await?;
        let full = due.len() >= slots;
        if full {
            // The earliest may all be one tenant's, or those of a provider that is not called at present.
            due.extend(self.read_lanes(query).await?);
        }
        Ok(Page { works: self.works(due, learnt, now).await, full })
    }

    /// The earliest of every tenant at every provider, as many of each as fit into a page.
    async fn read_lanes(&self, query: DueQuery) -> Result<Vec<DueGrant>, BrokerError> {
        let mut due = vec![];
        for most in PER_LANE {
            due = self
                .grants
                .due_grants(&DueQuery { limit: LANES_PAGE, per_lane: Some(most), ..query })
                .await?;
            if due.len() < LANES_PAGE as usize {
                break;
            }
        }
        Ok(due)
    }

    /// Those that are to be rotated, once each; the others are put off.
    async fn works(&self, due: Vec<DueGrant>, learnt: &Learnt, now: Timestamp) -> Vec<Work> {
        let mut seen = HashSet::new();
        let mut works = Vec::with_capacity(due.len());
        for mut due in due {
            let id = due.key.grant_id();
            if !seen.insert(id) || self.flights.running(id).is_some() {
                continue;
            }
            // Stays due: whoever resumes it must find it.
            if self.pauses.until(&due.key, now).is_some() {
                continue;
            }
            due.asked_at = due.asked_at.max(self.noted.last_asked(&due.key));
            match self.rests_until(&due, learnt, now) {
                Some(until) => self.postpone(&due, until).await,
                None => works.push(Work::new(due, learnt.failed(id))),
            }
        }
        works
    }

    /// Until when a due grant is left alone, if it is.
    fn rests_until(&self, due: &DueGrant, learnt: &Learnt, now: Timestamp) -> Option<Timestamp> {
        let Ok(provider) = self.provider(&due.key.provider) else {
            tracing::warn!(
                grant = %due.key.grant_id(), provider = %due.key.provider,
                "a grant is due at a provider that is not configured; it is left alone for an hour"
            );
            return Some(now + UNKNOWN_PROVIDER_WAIT);
        };
        if let Gate::ClosedUntil(until) = self.gates.registration(&due.key, &due.registration, now) {
            return Some(until);
        }
        if let Some(until) = learnt.paused_until(due, now) {
            return Some(until);
        }
        let rules = DueRules { attempt_budget: self.timing.attempt_budget, warm_for: self.timing.warm_for };
        match look_at(due, provider.profile(), now, rules, self.draw()) {
            Look::Rotate => None,
            Look::RestUntil(until) => Some(until),
        }
    }

    /// Without a claim nothing has moved the due time. Left as it is, a handful of grants that cannot be claimed would
    /// fill every tick and starve all others.
    pub(super) async fn postpone(&self, due: &DueGrant, until: Timestamp) {
        if let Err(error) = self.grants.postpone(due, until).await {
            tracing::error!(grant = %due.key.grant_id(), error = chain(&error), "a grant could not be postponed");
        }
    }
}
