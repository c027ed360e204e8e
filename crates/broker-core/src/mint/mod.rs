//! Minting tokens of machine credentials: before they expire, although nobody asks. Every replica runs the loop; the
//! store gives each mint to one of them.

mod after;
mod asking;
mod deriving;
mod making;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::DueMint;
use crate::{Broker, BrokerError, Gate, GrantKey, Timestamp};

/// Mints under way in one process at once.
pub(crate) const AT_ONCE: usize = 32;

/// Due mints that are read at once.
const READ_AT_ONCE: u32 = 256;

/// Who cannot be minted is looked at again after so long at most. Whoever asks for a token does not wait for that.
const LONGEST_REST: Duration = Duration::from_secs(300);

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
        let due = self.callable_mints().await?;
        let mut begun = 0;
        for due in due {
            let Ok(permit) = Arc::clone(&self.minters).try_acquire_owned() else { break };
            if self.budget.take(&due.key.provider, 1).await == 0 {
                continue;
            }
            begun += 1;
            let mut flight = self.start_mint(&due.key, due.mark);
            self.tasks.spawn(async move {
                flight.landed().await;
                drop(permit);
            });
        }
        Ok(begun)
    }

    /// What is due, without those that cannot be minted at present: they are put off, all of a tenant and provider at once,
    /// so that they hide no others.
    async fn callable_mints(&self) -> Result<Vec<DueMint>, BrokerError> {
        loop {
            let now = self.clock.now();
            let due = self.machine_credentials.due_mints(now, READ_AT_ONCE).await?;
            let is_whole = due.len() < READ_AT_ONCE as usize;
            let (mut callable, mut put_off) = (Vec::new(), BTreeSet::new());
            for due in due {
                let Some(until) = self.mint_rests_until(&due, now) else {
                    callable.push(due);
                    continue;
                };
                let GrantKey { tenant, provider, .. } = due.key;
                if put_off.insert((tenant.clone(), provider.clone())) {
                    self.machine_credentials.put_off_mints(&tenant, &provider, now, until).await?;
                }
            }
            if is_whole || !callable.is_empty() || put_off.is_empty() {
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
        match self.gates.gate(&due.key.provider, now) {
            Gate::Open => None,
            Gate::ClosedUntil(until) => Some(until.clamp(now + self.timing.tick, longest)),
        }
    }
}
