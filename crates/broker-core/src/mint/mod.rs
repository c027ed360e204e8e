//! Minting tokens of machine credentials: before they expire, although nobody asks. Every replica runs the loop; the
//! store gives each mint to one of them.

mod after;
mod asking;
mod deriving;
mod making;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::DueMint;
use crate::{Broker, BrokerError, Gate, Timestamp};

/// Mints under way in one process at once.
pub(crate) const AT_ONCE: usize = 32;

/// Due mints that are read at once.
const READ_AT_ONCE: u32 = 256;

/// Who cannot be minted is looked at again after so long at most. Where the last mint failed, who asks for a token waits too.
const LONGEST_REST: Duration = Duration::from_secs(30);

impl Broker {
    /// Mints what is due, every tick, until `stop`.
    pub async fn run_mints(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.mint_due().await {
                tracing::warn!(error = chain(&error), "due machine credentials could not be read");
            }
            let next = self.clock.now() + self.timing.tick;
            stop.run_until_cancelled(self.clock.sleep_until(next)).await;
        }
    }

    /// Begins the mints that are due and have room. Answers how many were begun.
    pub async fn mint_due(self: &Arc<Self>) -> Result<usize, BrokerError> {
        if self.fleet.barred().is_some() || self.minters.available_permits() == 0 {
            return Ok(0);
        }
        let (mut begun, mut over_budget) = (0, Vec::new());
        for due in self.callable_mints().await? {
            let Ok(permit) = Arc::clone(&self.minters).try_acquire_owned() else { break };
            if self.budget.take(&due.key.provider, 1).await == 0 {
                over_budget.push(due);
                continue;
            }
            begun += 1;
            let mut flight = self.start_mint(&due.key, due.mark);
            self.tasks.spawn(async move {
                flight.landed().await;
                drop(permit);
            });
        }
        if !over_budget.is_empty() {
            let now = self.clock.now();
            self.machine_credentials.put_off_mints(&over_budget, now, now + self.timing.tick).await?;
        }
        Ok(begun)
    }

    /// What is due, without those that cannot be minted at present: they are put off, so that they hide no others.
    async fn callable_mints(&self) -> Result<Vec<DueMint>, BrokerError> {
        loop {
            let now = self.clock.now();
            let due = self.machine_credentials.due_mints(now, READ_AT_ONCE).await?;
            let is_whole = due.len() < READ_AT_ONCE as usize;
            let (mut callable, mut resting) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
            for due in due {
                match self.mint_rests_until(&due, now) {
                    None => callable.push(due),
                    Some(until) => resting.entry(until).or_default().push(due),
                }
            }
            for (until, mints) in &resting {
                self.machine_credentials.put_off_mints(mints, now, *until).await?;
            }
            if is_whole || !callable.is_empty() || resting.is_empty() {
                return Ok(callable);
            }
        }
    }

    /// Until when it is not looked at again: its provider is not configured, or is left alone at present.
    fn mint_rests_until(&self, due: &DueMint, now: Timestamp) -> Option<Timestamp> {
        let longest = now + LONGEST_REST;
        if self.provider(&due.key.provider).is_err() {
            return Some(longest);
        }
        if let Some(until) = self.pauses.until(&due.key, now) {
            return Some(until.min(longest));
        }
        let of_registration = due.registration.as_ref();
        let closed = [
            self.gates.gate(&due.key.provider, now),
            of_registration.map_or(Gate::Open, |one| self.gates.registration(&due.key, one, now)),
        ];
        let until = closed.into_iter().filter_map(|gate| match gate {
            Gate::Open => None,
            Gate::ClosedUntil(until) => Some(until.clamp(now + self.timing.tick, longest)),
        });
        until.max()
    }
}
