//! Refreshing grants that are due, before anyone asks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::DueGrant;
use crate::rotation::Rotated;
use crate::{Broker, BrokerError};

/// How long a grant rests whose provider is not configured.
const UNKNOWN_PROVIDER_WAIT: Duration = Duration::from_secs(3600);

impl Broker {
    /// Looks for due grants every tick and rotates them, until `stop`. Every replica may run one.
    pub async fn run_scheduler(self: Arc<Self>, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.timing.max_in_flight));
        loop {
            if let Err(error) = self.tick(&slots).await {
                tracing::error!(error = chain(&error), "the scheduler could not read what is due");
            }
            let next = self.clock.now() + self.timing.tick;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    /// Starts what is due, as far as slots are free. Work is proportional to what is due.
    async fn tick(self: &Arc<Self>, slots: &Arc<Semaphore>) -> Result<(), BrokerError> {
        let free = slots.available_permits();
        if free == 0 {
            return Ok(());
        }
        // A flight that takes long has its slot already; its grant may have come due again meanwhile.
        let under_way = self.flights.count();
        let most = u32::try_from(free + under_way).unwrap_or(u32::MAX);
        for due in self.grants.due_grants(self.clock.now(), most).await? {
            if self.flights.running(due.key.grant_id()).is_some() {
                continue;
            }
            if !self.knows_provider(&due.key.provider) {
                tracing::warn!(
                    grant = %due.key.grant_id(), provider = %due.key.provider,
                    "a grant is due at a provider that is not configured; it is left alone for an hour"
                );
                self.postpone(&due, UNKNOWN_PROVIDER_WAIT).await;
                continue;
            }
            let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { return Ok(()) };
            self.refresh_due(due, slot);
        }
        Ok(())
    }

    fn refresh_due(self: &Arc<Self>, due: DueGrant, slot: OwnedSemaphorePermit) {
        let mut flight = self.start_rotation(&due.key, due.generation);
        let broker = Arc::clone(self);
        self.tasks.spawn(async move {
            let rotated = flight.landed().await;
            if matches!(rotated, Rotated::Failed(_) | Rotated::StillRunning | Rotated::Unchanged) {
                // What is undecided is waited for no longer than it must be: a provider's grace may run out.
                let timing = &broker.timing;
                let wait = if due.undecided { timing.retry_base } else { timing.lease_ttl };
                broker.postpone(&due, wait).await;
            }
            drop(slot);
        });
    }

    /// Without a claim nothing has moved the due time. Left as it is, a handful of grants that cannot be claimed would
    /// fill every tick and starve all others.
    async fn postpone(&self, due: &DueGrant, wait: Duration) {
        if let Err(error) = self.grants.postpone(due, self.clock.now() + wait).await {
            tracing::error!(grant = %due.key.grant_id(), error = chain(&error), "a grant could not be postponed");
        }
    }
}
